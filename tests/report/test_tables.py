"""Tables, words, folds and colours of the page in a real browser, by mouse and by keyboard."""

import csv
import shutil
from dataclasses import replace

import pytest

from nextclose.report.page import render_page
from tests.accessibility import violations
from tests.report.synthetic import make_content
from tests.report.verdict_rows import with_evidence

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the path")
MODELS = ("hybrid", "naive", "ewma")
MANY = ["=1+1", *(f"S{k:02d}" for k in range(39))]


def content_of(symbols):
    """A small run whose headline has a verdict on each of the symbols."""
    content = make_content(
        symbols[:2], n_sessions=220, n_origins=60, models=MODELS, horizons=(1, 7)
    )
    own = [v for v in content.verdicts if v.symbol == symbols[0]]
    more = tuple(with_evidence(v, symbol=name) for v in own for name in symbols[2:])
    return replace(content, verdicts=content.verdicts + more)


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as play:
        running = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def urls(tmp_path_factory):
    """The page of a run with few symbols, and of one with many."""
    folder = tmp_path_factory.mktemp("tables")
    for name, symbols in (("few", MANY[:3]), ("many", MANY)):
        (folder / f"{name}.html").write_text(render_page(content_of(symbols)), encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in ("few", "many")}


@pytest.fixture
def opened(browser, urls):
    """Opens a page; at the end it has complained of nothing and asked the network for nothing."""
    noise, contexts = [], []

    def open_page(name="few", *, script="", **settings):
        contexts.append(browser.new_context(**settings))
        page = contexts[-1].new_page()
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on("request", lambda seen: noise.append(seen.url) if "file:" not in seen.url else None)
        if script:
            page.add_init_script(script)
        page.goto(urls[name])
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [text for text in noise if not text.startswith("blob:")] == []


def names_in(table):
    return table.locator("tbody th .mark").all_inner_texts()


def test_a_click_on_a_title_sorts_and_the_third_gives_the_first_order_back(opened):
    table = opened().locator("#scoreboard table").first
    button = table.locator("thead th", has_text="Model").locator("button")
    at_first = names_in(table)
    button.click()
    title = table.locator("th[aria-sort]")
    assert title.get_attribute("aria-sort") == "ascending"
    assert names_in(table) == sorted(at_first)
    button.click()
    assert title.get_attribute("aria-sort") == "descending"
    assert names_in(table) == sorted(at_first, reverse=True)
    button.click()
    assert table.locator("th[aria-sort]").count() == 0
    assert names_in(table) == at_first


def test_the_keyboard_sorts_too_and_what_has_no_value_stays_last(opened):
    page = opened()
    table = page.locator("#scoreboard table").first
    button = table.locator("thead th", has_text="Range skill").first.locator("button")
    button.focus()
    for _ in range(2):
        page.keyboard.press("Enter")
        assert names_in(table)[-1] == "naive"  # it has no ranges


def test_a_symbol_is_found_among_many_and_counted(opened):
    page = opened("many")
    box = page.locator("#symbols").get_by_role("searchbox").first
    box.fill("s07")
    table = page.locator("#symbols table").first
    assert table.locator("tbody tr:visible th .mark").all_inner_texts() == ["S07"]
    assert page.locator("#symbols [role=status]").first.inner_text() == "1 of 40 rows"
    box.fill("")
    assert table.locator("tbody tr:visible").count() == 40


def test_few_symbols_have_neither_box_nor_heat_map(opened):
    page = opened()
    assert page.locator("#symbols").get_by_role("searchbox").count() == 0
    assert page.locator("table.heat").count() == 0


def test_a_csv_has_unrounded_figures_and_no_formula(opened, tmp_path):
    page = opened("many")
    page.locator("#symbols").get_by_role("searchbox").first.fill("=")
    with page.expect_download() as download:
        page.locator("#symbols").get_by_role("button", name="CSV").first.click()
    download.value.save_as(tmp_path / "heat.csv")
    with (tmp_path / "heat.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)  # the rows that are shown
    assert row["symbol"] == "'=1+1"
    (verdict,) = (
        v
        for v in content_of(MANY).verdicts
        if (v.symbol, v.model, v.horizon_sessions) == ("=1+1", "hybrid", 1)
    )
    assert row["verdict_1"] == verdict.verdict
    assert float(row["coverage_90_1"]) == pytest.approx(verdict.evidence.coverage.coverage_90)


def test_the_theme_is_chosen_told_and_remembered(opened):
    page = opened(color_scheme="light")
    page.evaluate("document.addEventListener('themechange', () => { window.told = true; })")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_text("Dark", exact=True).click()
    assert page.evaluate("window.told")
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == dark
    page.get_by_text("Auto", exact=True).click()
    assert page.evaluate(ground) == light


def test_a_browser_that_remembers_nothing_still_changes_its_theme(opened):
    refusal = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })"
    page = opened(script=refusal)
    page.get_by_text("Dark", exact=True).click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_a_word_is_explained_under_the_focus_until_escape(opened):
    page = opened()
    page.locator("#verdict .term").first.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")  # by the keyboard, as a mouse would not
    tip = page.get_by_role("tooltip")
    assert tip.is_visible()
    assert tip.inner_text().endswith(".")
    page.keyboard.press("Escape")
    assert not tip.is_visible()


def test_a_link_into_the_folded_part_opens_it(opened):
    page = opened()
    assert not page.locator("#noise").is_visible()
    page.get_by_role("link", name="Why this one").click()
    assert page.locator("#evidence").is_visible()
    page.goto(page.url.split("#")[0] + "#glossary")
    assert page.locator("#glossary dl").first.is_visible()


def test_paper_begins_with_the_verdict_and_leaves_out_what_needs_a_screen(opened):
    page = opened(viewport={"width": 700, "height": 1000}, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("#verdict").bounding_box()["y"] < 400  # of some 1,000 of a page
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") in (
        "rgb(255, 255, 255)",
        "rgba(0, 0, 0, 0)",
    )
    assert page.locator("nav").is_visible() is False
    assert page.locator(".tools:visible, #theme:visible").count() == 0


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["few", "many"])
def test_everybody_can_read_it(opened, name, scheme, width):
    settings = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    page = opened(name, bypass_csp=True, **settings)
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []
