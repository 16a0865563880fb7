import warnings
from datetime import date

import matplotlib as mpl
import numpy as np
import polars as pl
import pytest

from nextclose.errors import NotEnoughDataError
from nextclose.report.figures import fan
from nextclose.report.figures.fan import fan_at_origin, fan_figure, fan_weights, outcomes, range_fan
from nextclose.report.figures.palette import BASE, palette_for
from nextclose.schema import FORECAST_SCHEMA, QUANTILE_COLUMNS
from tests.report.synthetic import make_bars, make_forecasts

INKS = palette_for(("har", "naive")).light()
DAYS = [date(2020, 1, day) for day in (2, 3, 6, 7, 8, 9)]  # Thursday to Thursday


def bars(closes, symbol="A"):
    days = DAYS[: len(closes)]
    return pl.DataFrame({"symbol": symbol, "session": days, "close": closes})


def issued(half_widths, *, origin=DAYS[0]):
    """A forecast a horizon: 90% range of +/- that log return around no change."""
    rows = []
    for h, half in half_widths.items():
        row = dict.fromkeys(FORECAST_SCHEMA) | dict.fromkeys(QUANTILE_COLUMNS, 0.0)
        row |= {"symbol": "A", "origin": origin, "horizon_sessions": h, "model": "har"}
        rows.append(row | {"close": 100.0, "q0.050": -half, "q0.950": half})
    return pl.DataFrame(rows, schema=FORECAST_SCHEMA)


def test_between_horizons_a_quantile_is_straight_over_the_root_of_time():
    # roots of 0, 1, 2, 3, 4 sessions: 0, 1, 1.4142, 1.7321, 2; horizons 1 and 4 are knots 1 and 2
    expected = [[0.0, 0.0], [1.0, 0.0], [0.585786, 0.414214], [0.267949, 0.732051], [0.0, 1.0]]
    np.testing.assert_allclose(fan_weights((1, 4)), np.array(expected), atol=1e-6)


def test_from_the_origin_to_the_first_horizon_a_range_grows_with_the_root_of_time():
    # of the width at 4 sessions half is there after 1: 1 / sqrt(4)
    np.testing.assert_allclose(fan_weights((4,))[:, 0], np.sqrt([0, 1, 2, 3, 4]) / 2)


def test_up_to_a_horizon_the_fan_does_not_depend_on_those_after_it():
    np.testing.assert_array_equal(fan_weights((1, 7, 30))[:8, :2], fan_weights((1, 7)))


def test_the_drawn_range_follows_the_root_of_time_in_log_price():
    closes = bars([100.0, 101.0, 102.0, 103.0, 104.0])
    (panel,) = range_fan(closes, issued({4: np.log(4.0)}), model="har")(INKS).axes
    outer = np.asarray(panel.collections[0].get_paths()[0].vertices)  # the 90% range
    top = {round(x): outer[outer[:, 0] == x, 1].max() for x in np.unique(outer[:, 0])}
    # after 1 of 4 sessions half of log 4: a factor of 2 up and down
    assert top[0] == pytest.approx(100.0)
    assert top[1] == pytest.approx(200.0)
    assert top[4] == pytest.approx(400.0)


def test_an_outcome_outside_90_percent_is_a_miss_and_an_open_one_is_none():
    closes = bars([100.0, 103.0, 100.5])
    drawn = fan_at_origin(closes, issued({1: 0.02, 2: 0.02, 4: 0.02}), n_before=9)
    rows, price, missed = outcomes(drawn)  # log 1.03 = 0.0296, log 1.005 = 0.0050
    assert rows.tolist() == [1, 2]
    assert price.tolist() == [103.0, 100.5]
    assert missed.tolist() == [True, False]


def test_a_miss_is_a_red_cross_and_what_held_a_dot():
    closes = bars([100.0, 103.0, 100.5])
    (panel,) = range_fan(closes, issued({1: 0.02, 2: 0.02}), model="har")(INKS).axes
    marks = {line.get_label(): line for line in panel.lines}
    missed, held = marks["outside 90%"], marks["inside 90%"]
    assert (missed.get_marker(), missed.get_color()) == ("X", INKS.roles["bad"])
    assert np.asarray(missed.get_xydata()).tolist() == [[1.0, 103.0]]
    assert (held.get_marker(), np.asarray(held.get_xydata()).tolist()) == ("o", [[2.0, 100.5]])


def test_sessions_that_are_not_known_yet_are_weekdays():
    drawn = fan_at_origin(bars([1.0, 2.0]), issued({4: 0.1}, origin=DAYS[1]), n_before=2)
    assert drawn.origin == 1
    # from Friday 3 on: Monday to Thursday
    assert drawn.sessions.astype("M8[D]").tolist() == [*DAYS]


def test_bars_before_and_after_what_the_fan_shows_are_left_out():
    drawn = fan_at_origin(bars(range(1, 7)), issued({2: 0.1}, origin=DAYS[2]), n_before=2)
    assert drawn.bars["session"].to_list() == DAYS[1:5]
    assert drawn.origin == 1


def synthetic():
    prices = make_bars(("A",), n_sessions=300)
    return prices, make_forecasts(prices, n_origins=80, models=("garch",))


def test_the_figure_is_of_the_newest_origin_where_none_is_chosen():
    prices, forecasts = synthetic()
    figure = fan_figure(prices, forecasts, symbol="A")
    close, day = prices["close"][-1], prices["session"][-1]
    first = figure.get_suptitle().split("\n")[0]
    assert first == f"A, last close {close:.3f} on {day}"
    assert figure.get_suptitle().endswith("\n50, 80 and 90% ranges of garch")
    names = {text.get_text() for text in figure.legends[0].get_texts()}
    assert names == {"median", "no change", "up day", "down day"}  # nothing has happened yet


def test_a_chosen_origin_shows_what_happened_and_has_no_last_close():
    prices, forecasts = synthetic()
    origin = prices["session"][230]
    figure = fan_figure(prices, forecasts, symbol="A", origin=origin)
    title = figure.get_suptitle()
    assert title.startswith("A, close ")
    assert f"on {origin}" in title
    names = {text.get_text() for text in figure.legends[0].get_texts()}
    assert names & {"inside 90%", "outside 90%"}


@pytest.mark.parametrize("dark", [False, True])
def test_candles_are_hollow_where_they_rise_and_filled_where_they_fall(dark):
    prices, forecasts = synthetic()
    (panel,) = fan_figure(prices, forecasts, symbol="A", dark=dark).axes
    rise, fall = (bars[0] for bars in panel.containers)
    assert rise.get_facecolor()[3] == 0.0
    assert mpl.colors.to_hex(rise.get_edgecolor()) == BASE["rise"][dark]
    assert mpl.colors.to_hex(fall.get_facecolor()) == BASE["fall"][dark]


def test_bars_with_only_a_close_make_a_line():
    prices, forecasts = synthetic()
    figure = fan_figure(prices.select("symbol", "session", "close"), forecasts, symbol="A")
    assert figure.axes[0].containers == []
    assert "close" in {text.get_text() for text in figure.legends[0].get_texts()}


def test_a_long_name_takes_more_lines_and_any_sign_in_it_is_drawn():
    prices, forecasts = synthetic()
    name = "株 $x_1$ " + "a name that goes on and on " * 6
    renamed = pl.lit(name).alias("symbol")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = fan_figure(
            prices.with_columns(renamed), forecasts.with_columns(renamed), symbol=name
        )
        figure.canvas.draw()
    title = figure.get_suptitle()
    assert max(map(len, title.split("\n"))) <= 72
    assert " ".join(title.split()).startswith("? $x_1$ a name that goes on")
    assert "on 20" in title  # its end is not cut
    (box,) = (text.get_window_extent() for text in figure.texts if text.get_text() == title)
    assert box.x1 < figure.bbox.x1


def test_drawing_the_figure_leaves_the_settings_of_matplotlib_alone():
    before = dict(mpl.rcParams)
    fan_figure(*synthetic(), symbol="A")
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(
    ("symbol", "origin", "missing"),
    [("B", None, "B has no forecast"), ("A", date(2001, 1, 1), "A has no forecast at 2001-01-01")],
)
def test_what_was_not_forecast_is_refused_with_the_cure(symbol, origin, missing):
    with pytest.raises(NotEnoughDataError, match=missing) as refused:
        fan_figure(*synthetic(), symbol=symbol, origin=origin)
    assert "Fix: " in str(refused.value)


def test_a_forecast_without_its_bar_is_refused():
    prices, forecasts = synthetic()
    with pytest.raises(NotEnoughDataError, match="A has no bar: "):
        fan_figure(prices.head(-1), forecasts, symbol="A")


def test_a_still_fan_shows_forty_sessions_before_its_origin():
    prices, forecasts = synthetic()
    rows = forecasts.filter(pl.col("origin") == prices["session"][250])
    drawn = fan_at_origin(prices, rows, n_before=fan.N_BEFORE_STILL)
    assert (drawn.origin, len(drawn.sessions)) == (39, 70)
