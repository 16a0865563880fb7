"""The page in a real browser; skipped where playwright or chromium is missing."""

import shutil
from dataclasses import replace

import pytest

from nextclose.report.page import render_page
from nextclose.schema import Finding
from tests.report.synthetic import make_content

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the path")

LIVE = ("script", "img", "svg", "iframe", "a", "style", "math", "form", "object", "base", "meta")
PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)" x="',
    "javascript:alert(1)",
    "<a href=javascript:alert(1)>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "{{ 7 * 7 }}{% include 'page.html.j2' %}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<!--<img src=--><img src=x onerror=alert(1)//>",
    "<base href=//example.org><meta http-equiv=refresh content=0;url=//example.org>",
    "<details open ontoggle=alert(1)>",
    "]]><script>alert(1)</script>",
)


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as play:
        running = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    content = make_content(("AAPL", "<img src=x onerror=alert(1)>"), n_sessions=400, n_origins=200)
    path.write_text(render_page(content), encoding="utf-8")
    return path.as_uri()


def opened(browser, url, **settings):
    """A page at `url` and all that it complained about or asked the network for."""
    page = browser.new_context(**settings).new_page()
    noise = []
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.on("dialog", lambda dialog: noise.append(dialog.message))
    page.on("request", lambda request: noise.append(request.url) if request.url != url else None)
    page.goto(url)
    page.wait_for_function("document.querySelector('#readout tr') !== null")
    return page, noise


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_opens_without_errors_requests_or_sideways_scrolling(browser, url, width):
    page, noise = opened(browser, url, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#chart canvas").count() > 0
    assert noise == []


def test_choosing_a_symbol_and_a_day_changes_what_the_table_says(browser, url):
    page, noise = opened(browser, url)
    page.fill("#origin", "3")
    assert page.inner_text("#origin-day") == "2008-10-13"  # weekday 200 + 3 from 2008-01-02 on
    page.click("#later")
    assert page.inner_text("#origin-day") == "2008-10-14"
    price = page.inner_text("#origin-close")
    page.select_option("#symbol", index=1)
    assert page.locator("#symbol option").nth(1).inner_text() == "AAPL"
    page.wait_for_function(
        "price => document.querySelector('#origin-close').innerText !== price", arg=price
    )
    page.fill("#origin", "199")  # the newest: nothing has happened since
    assert page.locator("#readout tr").all_inner_texts()[2].count("not known yet") == 1
    assert noise == []


def test_markup_in_findings_is_shown_as_text_and_nothing_runs(browser, tmp_path):
    findings = tuple(
        Finding(
            number=number,
            response="W",
            found=payload,
            rule=payload,
            path=payload,
            symbol=payload,
            column=payload,
            session=payload,
            fix=payload,
        )
        for number, payload in enumerate(PAYLOADS, 1)
    )
    tame = make_content(("AAPL",), n_sessions=200, n_origins=60, horizons=(7,))
    hostile = replace(
        tame,
        findings=(
            *findings,
            *(Finding(number=66, response="W", found=p, rule=p, symbol=p) for p in PAYLOADS),
        ),
        policies=dict.fromkeys(PAYLOADS, "</dl><script>alert(1)</script>"),
        summaries=tuple(
            replace(tame.summaries[0], symbol=p, exchange=p, segments=2) for p in PAYLOADS
        ),
        run=replace(tame.run, command="\n".join(PAYLOADS), config="\n".join(PAYLOADS)),
    )
    shapes = []
    for name, content in (("tame", tame), ("hostile", hostile)):
        path = tmp_path / f"{name}.html"
        path.write_text(render_page(content), encoding="utf-8")
        page, noise = opened(browser, path.as_uri())
        assert noise == []
        shapes.append([page.locator(f"#data {tag}").count() for tag in LIVE])
    assert shapes == [[0] * len(LIVE)] * 2
    said = page.inner_text("#data")
    for payload in PAYLOADS:
        assert " ".join(payload.split()) in " ".join(said.split())


def test_without_scripts_the_still_picture_stands_in(browser, url):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(url)
    assert page.locator(".still svg").first.is_visible()
    assert not page.locator("#chart").is_visible()
