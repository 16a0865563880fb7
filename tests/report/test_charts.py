"""The interactive charts in a real browser; skipped where playwright or chromium is missing."""

import io
import math
import re
import shutil

import numpy as np
import polars as pl
import pytest
from PIL import Image

from nextclose.report.figures.fan import fan_weights
from nextclose.report.figures.palette import BASE
from nextclose.report.figures.price_chart import CHART_COLUMNS
from nextclose.report.page import render_page
from tests.report.synthetic import make_content

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the path")
MODELS = ("hybrid", "naive", "ewma")
MANY = [f"S{k:02d}" for k in range(40)]


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as play:
        running = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def content():
    return make_content(("A", "B"), n_sessions=400, n_origins=200, models=MODELS)


@pytest.fixture(scope="module")
def url(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("charts") / "report.html"
    path.write_text(render_page(content), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def many_url(tmp_path_factory):
    path = tmp_path_factory.mktemp("charts") / "many.html"
    content = make_content(MANY, n_sessions=220, n_origins=60, models=MODELS, horizons=(7,))
    path.write_text(render_page(content), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(browser):
    """Opens a page; at the end it has complained of nothing and asked the network for nothing."""
    noise, pages = [], []

    def open_page(url, *, script="", **settings):
        page = browser.new_context(**settings).new_page()
        pages.append(page)
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on("request", lambda seen: noise.append(seen.url) if seen.url != url else None)
        if script:
            page.add_init_script(script)
        page.goto(url)
        page.add_style_tag(content="nav { position: static !important }")  # else it covers pictures
        if not script:
            page.wait_for_function("document.querySelector('#readout tr') !== null")
        return page

    yield open_page
    for page in pages:
        page.close()
    assert noise == []


def said(page, selector, text):
    sync_api.expect(page.locator(selector)).to_contain_text(text)


def forecast(content, *, symbol, origin, horizon):
    """Median and ends of the 90% range, in price, and the close it was issued at."""
    (row,) = content.forecasts.filter(
        pl.col("model") == "hybrid", symbol=symbol, origin=origin, horizon_sessions=horizon
    ).to_dicts()
    levels = ("q0.050", "q0.500", "q0.950")
    return row, [row["close"] * math.exp(row[level]) for level in levels]


def sessions_of(content, symbol):
    return content.bars.filter(pl.col("symbol") == symbol).sort("session")


def test_the_table_says_what_was_forecast_and_what_missed(content, url, opened):
    page = opened(url)
    missed = content.forecasts.filter(
        (pl.col("model") == "hybrid")
        & (pl.col("symbol") == "A")
        & (pl.col("horizon_sessions") == 7)
        & ((pl.col("target") > pl.col("q0.950")) | (pl.col("target") < pl.col("q0.050")))
    )
    origin = missed["origin"][0]
    days = sessions_of(content, "A")["session"]
    page.fill("#origin", str(days.index_of(origin) - 200))
    said(page, "#origin-day", str(origin))
    row, (low, middle, high) = forecast(content, symbol="A", origin=origin, horizon=7)
    happened = row["close"] * math.exp(row["target"])
    cells = page.locator("#readout tr").nth(1).locator("td").all_inner_texts()
    ends = [float(end) for end in cells[0].split("\N{EN DASH}")]
    # cents, and half a basis point of the price
    assert ends == pytest.approx([low, high], abs=0.0101)
    assert [float(cell) for cell in cells[1:3]] == pytest.approx([middle, happened], abs=0.0101)
    assert cells[3].endswith("missed")
    held = page.locator("#readout td.missed")
    assert held.first.evaluate("cell => getComputedStyle(cell).color") == "rgb(185, 37, 44)"


def test_between_horizons_the_fan_under_the_cursor_follows_the_root_of_time(content, url, opened):
    page = opened(url)
    page.fill("#origin", "50")
    bars = sessions_of(content, "A")
    rows = content.forecasts.filter(
        pl.col("model") == "hybrid", symbol="A", origin=bars["session"][250]
    ).sort("horizon_sessions")
    moved = fan_weights((1, 7, 30))[12] @ rows.select(CHART_COLUMNS).to_numpy()  # (level,)
    expected = bars["close"][250] * np.exp(moved)
    page.focus("#chart")
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    said(page, "#pointed", "12 sessions ahead")
    parts = dict(
        (part.split(" ", 1) if " " in part else ("", part))
        for part in page.locator("#pointed > span").all_inner_texts()
    )
    low, high = (float(end) for end in parts["90%"].split("\N{EN DASH}"))
    assert [low, float(parts["median"]), high] == pytest.approx(expected[[0, 3, 6]], abs=0.0151)


def test_the_line_above_the_chart_follows_keys_and_pointer(content, url, opened):
    page = opened(url)
    page.fill("#origin", "50")
    bar = sessions_of(content, "A").row(253, named=True)
    page.focus("#chart")
    for key in ("ArrowRight", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    said(page, "#pointed", str(bar["session"]))
    for name in ("open", "high", "low", "close"):
        said(page, "#pointed", f"{bar[name]:.2f}")
    page.keyboard.press("Enter")  # the third session becomes the origin
    said(page, "#origin-day", str(bar["session"]))
    page.keyboard.press("Home")
    said(page, "#pointed", str(sessions_of(content, "A")["session"][80]))  # 120 before the first
    page.hover("#chart", position={"x": 200, "y": 150})
    before = page.inner_text("#pointed")
    page.hover("#chart", position={"x": 260, "y": 150})
    assert page.inner_text("#pointed") != before


def test_a_tap_chooses_the_day_and_says_it(url, opened):
    page = opened(url, viewport={"width": 390, "height": 800}, has_touch=True)
    before = page.inner_text("#origin-day")
    page.locator("#chart").scroll_into_view_if_needed()
    box = page.locator("#chart").bounding_box()
    page.touchscreen.tap(box["x"] + 60, box["y"] + 150)
    page.wait_for_function(
        "day => document.getElementById('origin-day').textContent !== day", arg=before
    )
    said(page, "#pointed", page.inner_text("#origin-day"))


def test_arrow_keys_move_the_slider_by_one_origin(content, url, opened):
    page = opened(url)
    page.fill("#origin", "50")
    page.focus("#origin")
    page.keyboard.press("ArrowRight")
    said(page, "#origin-day", str(sessions_of(content, "A")["session"][251]))


def picture(page, selector):
    page.locator(selector).scroll_into_view_if_needed()
    page.mouse.move(0, 0)  # no crosshair
    png = page.locator(selector).screenshot()
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def n_pixels(page, selector, colour):
    rgb = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
    return int((picture(page, selector) == rgb).all(axis=-1).sum())


def test_falling_candles_are_filled_in_their_colour_in_either_theme(url, opened):
    page = opened(url, color_scheme="light")
    page.locator("#prices .choice", has_text="7 sessions").click()  # no dots, which are in ink
    assert n_pixels(page, "#chart", BASE["fall"][0]) > 200
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(100)
    assert n_pixels(page, "#chart", BASE["fall"][1]) > 200
    for absent in (BASE["fall"][0], BASE["ink"][1]):  # and not white, as they were
        assert n_pixels(page, "#chart", absent) == 0


def test_the_charts_take_their_colours_anew_when_the_page_says_that_its_theme_changed(url, opened):
    page = opened(url)
    for selector, variable in (("#chart", "--fall"), ("#followed-chart", "--ink")):
        page.evaluate(f"document.documentElement.style.setProperty('{variable}', '#ff00fe')")
        assert n_pixels(page, selector, "#ff00fe") == 0
        page.evaluate("document.dispatchEvent(new Event('themechange'))")
        page.wait_for_timeout(100)
        assert n_pixels(page, selector, "#ff00fe") > 20


def test_a_miss_has_a_shape_of_its_own_in_both_views(url, opened):
    page = opened(url)
    page.evaluate("document.documentElement.style.setProperty('--bad', '#ff00fe')")
    page.locator("#prices .choice", has_text="7 sessions").click()
    page.click("button[data-span='0']")
    page.wait_for_timeout(100)
    assert n_pixels(page, "#chart", "#ff00fe") > 5
    page.locator("#followed .choice", has_text="7 sessions").click()
    page.wait_for_timeout(100)
    assert n_pixels(page, "#followed-chart", "#ff00fe") > 5


def test_the_log_scale_is_a_switch(url, opened):
    page = opened(url)
    page.click("button[data-span='0']")
    page.wait_for_timeout(300)
    plain = picture(page, "#chart")
    page.locator(".choice", has_text="Log scale").click()
    page.wait_for_timeout(100)
    logarithmic = picture(page, "#chart")
    assert (plain != logarithmic).any()
    page.locator(".choice", has_text="Log scale").click()
    page.wait_for_timeout(100)
    assert (picture(page, "#chart") == plain).all()


def test_actual_and_predicted_of_any_symbol_and_horizon_are_told_in_numbers(content, url, opened):
    page = opened(url)
    page.select_option("#followed-symbol", label="B")
    sync_api.expect(page.locator("#symbol")).to_have_value("1")  # one choice for both charts
    page.locator("#followed .choice", has_text="30 sessions").click()
    bars = sessions_of(content, "B")
    row, (_, middle, _) = forecast(content, symbol="B", origin=bars["session"][369], horizon=30)
    said(page, "#followed-pointed", str(bars["session"][399]))
    shown = page.inner_text("#followed-pointed").replace("\N{MINUS SIGN}", "-")
    prices = re.findall(r"(?:actual|predicted|change) ([\d.]+)(?!\S)", shown)
    expected = [bars["close"][399], middle, row["close"]]
    assert [float(price) for price in prices] == pytest.approx(expected, abs=0.0101)
    moves = [float(move) for move in re.findall(r"(?:return|predicted) (\S+)%", shown)]
    assert moves == pytest.approx([100 * row["target"], 100 * row["q0.500"]], abs=0.0151)
    page.focus("#followed-chart")
    page.keyboard.press("ArrowLeft")
    said(page, "#followed-pointed", str(bars["session"][398]))


def test_of_many_symbols_one_is_found_by_typing_a_part_of_its_name(many_url, opened):
    page = opened(many_url)
    box = page.locator("#symbol")
    assert page.locator("#symbol-names option").count() == len(MANY)
    box.focus()
    assert (box.input_value(), box.get_attribute("placeholder")) == ("", "S00")
    price = page.inner_text("#origin-close")
    page.keyboard.type("s3")
    page.keyboard.press("Enter")
    sync_api.expect(box).to_have_value("S30")
    sync_api.expect(page.locator("#followed-symbol")).to_have_value("S30")
    sync_api.expect(page.locator("#origin-close")).not_to_have_text(price)
    box.fill("17")
    page.keyboard.press("Tab")
    sync_api.expect(box).to_have_value("S17")


def test_a_name_that_no_symbol_has_changes_nothing_and_says_so(many_url, opened):
    page = opened(many_url)
    box = page.locator("#symbol")
    price = page.inner_text("#origin-close")
    box.fill("XYZ")
    page.keyboard.press("Enter")
    assert box.get_attribute("aria-invalid") == "true"
    assert "XYZ" in box.evaluate("box => box.validationMessage")
    page.keyboard.press("Escape")
    assert box.input_value() == "S00"
    assert box.get_attribute("aria-invalid") is None
    assert page.inner_text("#origin-close") == price


def test_a_browser_that_cannot_inflate_keeps_the_still_pictures(url, opened):
    page = opened(url, script="delete window.DecompressionStream;")
    assert page.locator("#prices .still svg").first.is_visible()
    assert page.locator("#followed .still svg").first.is_visible()
    assert not page.locator("#chart").is_visible()
    assert not page.locator("#prices .chart-tools").is_visible()


def test_on_paper_the_still_pictures_stand_for_the_charts(url, opened):
    page = opened(url)
    page.emulate_media(media="print")
    assert page.locator("#prices .still svg").first.is_visible()
    assert page.locator("#followed .still svg").first.is_visible()
    assert not page.locator("#chart").is_visible()
