import numpy as np
import pytest

from nextclose.features.columns import Column, SymbolBars
from nextclose.features.indicators import garman_klass, recent_volatility, volatility
from nextclose.features.rolling import recent_mean
from nextclose.features.table import FAMILIES
from tests.builders import DAY_ZERO
from tests.features.random_bars import flat_frame, random_frame, symbol_bars

BARS = symbol_bars(random_frame(seed=1))
COLUMNS = [
    pytest.param(column, id=f"{family}-{column.name}")
    for family, definition in FAMILIES.items()
    for column in definition.columns
]
# these read ranges where bars have them, and `has_range` beside them says where
WHERE_KNOWN = {*(f"log_range_{n}" for n in (1, 5, 22, 66)), "overnight", "has_range"}


def without(bars: SymbolBars, names: tuple[str, ...]) -> SymbolBars:
    kept = {name: column for name, column in bars.columns.items() if name not in names}
    return SymbolBars(session=bars.session, columns=kept)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_is_nan_for_exactly_its_lookback(column: Column):
    values = column.values(BARS)
    assert values.shape == BARS.close.shape
    assert np.isnan(values[: column.lookback_sessions]).all()
    assert np.isfinite(values[column.lookback_sessions :]).all()


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_reads_no_bar_column_that_it_does_not_declare(column: Column):
    may_read = {"open", "high", "low"} if column.name in WHERE_KNOWN else {*column.needs}
    undeclared = tuple({"open", "high", "low", "volume"} - may_read)
    np.testing.assert_array_equal(column.values(without(BARS, undeclared)), column.values(BARS))


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_stays_finite_when_nothing_moves_or_trades(column: Column):
    assert np.isfinite(column.values(symbol_bars(flat_frame()))[column.lookback_sessions :]).all()


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("n_rows", [1, 2, 30])
def test_a_column_of_a_short_series_has_its_length(column: Column, n_rows: int):
    values = column.values(symbol_bars(random_frame(seed=2, n_rows=n_rows)))
    assert np.isfinite(values).sum() == max(n_rows - column.lookback_sessions, 0)


def test_stationary_columns_need_what_they_say():
    for column in FAMILIES["stationary"].columns:
        for need in column.needs:
            with pytest.raises(KeyError, match=need):
                column.values(without(BARS, (need,)))


def test_shared_series_are_those_of_the_indicators():
    np.testing.assert_array_equal(BARS.scale, volatility(BARS.close))
    np.testing.assert_array_equal(BARS.recent_scale, recent_volatility(BARS.close))
    four = (BARS.open, BARS.high, BARS.low, BARS.close)
    np.testing.assert_array_equal(BARS.range_volatility, garman_klass(*four))
    has_span = BARS.high > BARS.low
    for mask in ("filled", "widened", "halted"):
        is_marked = BARS.columns[mask] != 0
        assert np.isnan(BARS.known_range_volatility[is_marked]).all()
        has_span &= ~is_marked
    known = BARS.known_range_volatility[has_span]
    np.testing.assert_array_equal(known, garman_klass(*four)[has_span])
    assert np.isnan(without(BARS, ("low",)).known_range_volatility).all()
    for sessions in (5, 22, 5):
        expected = recent_mean(BARS.moves, sessions=sessions)
        np.testing.assert_array_equal(BARS.recent_move(sessions), expected)
    np.testing.assert_array_equal(BARS.returns, np.where(BARS.falls > 0, -1, 1) * BARS.moves)


def test_year_move_has_a_floor():
    assert symbol_bars(flat_frame()).year_move[-1] == 1e-4


def test_the_long_run_is_the_mean_move_of_ten_years_or_of_what_there_is():
    moves = np.where(np.arange(2600) % 2, 0.01, 0.03)
    moves[:79] = 0.5  # what is older than 2,520 returns
    close = np.exp(np.append(0.0, np.cumsum(moves)))
    long_run = SymbolBars(session=DAY_ZERO + np.arange(2601), columns={"close": close}).long_run
    assert np.isnan(long_run[0])
    np.testing.assert_allclose(long_run[[1, 79]], 0.5)
    np.testing.assert_allclose(long_run[81], (79 * 0.5 + 0.01 + 0.03) / 81)
    # the last of them leaves with the 2,521st return behind it: all the rest is 1 and 3 % in turn
    np.testing.assert_allclose(long_run[2598], (0.5 + 1260 * 0.01 + 1259 * 0.03) / 2520)
    np.testing.assert_allclose(long_run[2599:], 0.02)


def test_the_long_run_of_a_price_that_never_moved_is_above_zero():
    np.testing.assert_array_equal(symbol_bars(flat_frame()).long_run[1:], 1e-4)
