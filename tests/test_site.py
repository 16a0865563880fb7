"""The documentation as a site: complete, alone on a disk, and readable by everybody."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import nextclose
from tests.accessibility import violations

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the path")
MAIN_PAGES = ("index", "student", "api")  # all of them: the slow proof below
LOADED = {  # element -> the attribute that makes a browser load something
    **dict.fromkeys(("script", "img", "source", "iframe", "video", "audio", "embed"), "src"),
    "link": "href",
    "object": "data",
}


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Build the site of this checkout, its pages copied into `folder` if none are there."""
    shutil.copy(ROOT / "zensical.toml", folder)
    if not (folder / "docs").exists():
        pages = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "docs", folder / "docs", ignore=pages)
        (folder / "src").symlink_to(ROOT / "src")
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr  # a link, an anchor or a name is wrong
    return folder / "build" / "site"


def nav_pages() -> list[str]:
    """The Markdown files that the navigation names, in its order."""

    def pages(entries: list[Any]) -> Iterator[str]:
        for entry in entries:
            for target in entry.values():
                yield from [target] if isinstance(target, str) else pages(target)

    config = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))
    return list(pages(config["project"]["nav"]))


def test_the_navigation_names_every_page_once():
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert sorted(nav_pages()) == sorted(pages)


def test_every_page_is_built(site):
    built = {str(path.relative_to(site)) for path in site.rglob("*.html")}
    assert {name.replace(".md", ".html") for name in nav_pages()} | {"404.html"} == built
    assert not list(site.rglob("*.py"))


@pytest.mark.parametrize("link", ["guide.md#nowhere", "nowhere.md"])
def test_a_link_that_leads_nowhere_ends_the_build(site, tmp_path, link):
    (tmp_path / "docs").mkdir()
    (tmp_path / "src").symlink_to(ROOT / "src")
    for name in nav_pages():
        (tmp_path / "docs" / name).write_text("# A page\n", encoding="utf-8")
    shutil.copy(ROOT / "docs" / "docstrings.py", tmp_path / "docs")
    assert build(tmp_path).returncode == 0
    (tmp_path / "docs" / "index.md").write_text(f"# Home\n\n[a link]({link})\n", encoding="utf-8")
    assert build(tmp_path).returncode != 0


# --- alone on a disk ---


class Loads(HTMLParser):
    """Addresses that a browser loads by itself to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in LOADED:
            self.addresses.append(values.get(LOADED[tag]) or "")
        self.addresses += (values.get("srcset") or "").split(",")


def external(text: str) -> list[str]:
    """Addresses of other computers among what a page or a style sheet loads."""
    loads = Loads()
    loads.feed(text)
    loads.addresses += re.findall(r"url\(['\"]?([^)'\"]+)|@import\s*['\"]([^'\"]+)", text)
    flat = [
        part for found in loads.addresses for part in ([found] if isinstance(found, str) else found)
    ]
    return [address for address in flat if re.match(r"\s*(https?:)?//", address)]


def test_the_site_loads_nothing_from_elsewhere(site):
    files = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert len(files) > 15
    found = {path.name: external(path.read_text(encoding="utf-8")) for path in files}
    assert {name: addresses for name, addresses in found.items() if addresses} == {}


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="preconnect" href="//fonts.example">',
        '<style>@import "http://fonts.example/a.css"; </style>',
        "<style>a { background: url(https://x.example/a.png) }</style>",
        '<picture><source srcset="https://x.example/a.png"></picture>',
    ],
)
def test_what_is_loaded_from_elsewhere_is_seen(text):
    assert len(external(text)) == 1
    assert external(text.replace("https:", "").replace("http:", "").replace("//", "")) == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as play:
        running = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@needs_browser
def test_search_works_from_a_disk_and_asks_nobody_else(site, browser):
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "guide.html").as_uri())
    page.get_by_role("button", name="Search").first.click()
    page.wait_for_timeout(500)  # until the field that has appeared listens
    page.keyboard.type("coverage_90")
    page.locator("a").filter(has_text="Glossary").filter(has_text="coverage_90").wait_for()
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
    page.close()


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_site_follows_the_system_until_one_chooses(site, browser, scheme):
    page = browser.new_page(color_scheme=scheme)
    page.goto((site / "index.html").as_uri())
    shown = {"light": "default", "dark": "slate"}
    body = page.locator("body")
    assert body.get_attribute("data-md-color-scheme") == shown[scheme]
    page.get_by_title("As the system; switch to light").click()
    assert body.get_attribute("data-md-color-scheme") == "default"
    page.get_by_title("Light; switch to dark").click()
    assert body.get_attribute("data-md-color-scheme") == "slate"
    page.close()


# --- for everybody ---


def wrong_of(browser: Any, path: Path, scheme: str, width: int) -> list[str]:
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.goto(path.as_uri(), wait_until="load")
    page.wait_for_function("!document.querySelector('nav.md-code__nav:not([aria-label])')")
    found = violations(page)
    page.close()
    return found


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", MAIN_PAGES)
def test_a_main_page_is_accessible(site, browser, name, scheme):
    assert wrong_of(browser, site / f"{name}.html", scheme, 1300) == []


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1300)])
def test_every_page_is_accessible(site, browser, scheme, width):
    names = [name.replace(".md", ".html") for name in nav_pages()]
    found = {name: wrong_of(browser, site / name, scheme, width) for name in names}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


@needs_browser
def test_what_is_not_accessible_is_seen(browser, tmp_path):
    path = tmp_path / "faint.html"
    path.write_text("<html lang=en><title>x</title><main><h1>x</h1><p style='color:#bbb'>faint</p>")
    (wrong,) = wrong_of(browser, path, "light", 1300)
    assert wrong.startswith("color-contrast: p: ")


@needs_browser
@pytest.mark.parametrize("name", MAIN_PAGES)
def test_no_page_is_wider_than_a_phone(site, browser, name):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto((site / f"{name}.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


# --- the reference ---


def test_every_public_name_has_an_entry(site):
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    named = re.findall(r"^::: nextclose\.(\w+)$", text, re.MULTILINE)
    assert sorted(named) == sorted(nextclose.__all__)  # else: a line `::: nextclose.NAME`
    page = (site / "api.html").read_text(encoding="utf-8")
    assert [name for name in named if f'id="nextclose.{name}"' not in page] == []


def test_sections_of_docstrings_are_paragraphs_and_settings_a_table(site):
    page = (site / "api.html").read_text(encoding="utf-8")
    assert "<strong>Raises:</strong> DataError with every problem of every file;" in page
    row = r"<code>duplicates</code></td>\s*<td>.*\n?.*Two rows of one session with other values"
    assert re.search(row, page)


def test_a_docstring_in_our_form_becomes_markdown():
    from docs.docstrings import with_paragraphs

    text = (
        "Average true range: in price units.\n"
        "\n"
        "Expects: validated bars.\n"
        "NaN: the first sessions; what follows\n"
        "    is finite.\n"
        "Assumes / Limits: none.\n"
        "\n"
        "    t = 1\n"
        "then: this is prose."
    )
    assert with_paragraphs(text).splitlines() == [
        "Average true range: in price units.",
        *("", "", "**Expects:** validated bars."),
        *("", "**NaN:** the first sessions; what follows", "is finite."),
        *("", "**Assumes / Limits:** none."),
        *("", "    t = 1", "then: this is prose."),
    ]


def test_every_setting_has_a_row_with_its_default():
    import griffe
    from docs.docstrings import settings_table

    from nextclose.config import BacktestConfig

    table = settings_table(griffe.load("nextclose.config", search_paths=["src"])["BacktestConfig"])
    rows = [line.split("|")[1].strip(" `") for line in table.splitlines()[2:]]
    assert rows == list(BacktestConfig.model_fields)
    assert "| `refit_sessions` | `252` |" in table
    assert (
        "| `test_from` | `None` | First session of the test, in place of test_sessions. |" in table
    )
