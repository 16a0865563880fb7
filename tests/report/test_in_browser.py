"""The page in a real browser; skipped where playwright or chromium is missing."""

import shutil

import pytest

from nextclose.report.page import render_page
from tests.report.synthetic import make_content

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the path")


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
    assert page.inner_text("#origin-close") != price
    page.fill("#origin", "199")  # the newest: nothing has happened since
    assert page.locator("#readout tr").all_inner_texts()[2].count("not known yet") == 1
    assert noise == []


def test_without_scripts_the_still_picture_stands_in(browser, url):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(url)
    assert page.locator(".still svg").first.is_visible()
    assert not page.locator("#chart").is_visible()
