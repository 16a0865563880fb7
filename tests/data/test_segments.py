import polars as pl
import pytest

from nextclose.data.segments import short_symbols, with_short_symbols
from nextclose.errors import NotEnoughDataError
from nextclose.schema import Bars
from tests.builders import walk_bars
from tests.data.bar_texts import DAYS, rows_of
from tests.frames import validate_bars


def test_short_symbols_are_named_but_stay_and_none_long_enough_is_refused():
    frame = rows_of(
        *(("A", str(day), float(k + 11)) for k, day in enumerate(DAYS)), ("FB", "2019-03-04", 1.0)
    )
    read = validate_bars(frame)
    bars = with_short_symbols(read, needed=5)
    assert bars.frame is read.frame
    assert bars.findings[-1].line() == (
        "W66 FB: found 1 session, 5 needed; rule: a symbol with too little history is "
        "forecast only by models that read less. Fix: give a longer history."
    )
    assert with_short_symbols(read, needed=1) is read
    with pytest.raises(NotEnoughDataError) as raised:
        with_short_symbols(read, needed=6)
    assert (raised.value.needed, raised.value.found) == (6, 5)


def test_a_symbol_that_lstm_can_forecast_is_told_apart_from_one_that_nobody_can():
    by_some, by_none = short_symbols(walk_bars((11, 5, 4)), needed=11, least=5)
    assert by_some.line() == (
        "W66 BBB: found 5 sessions, 11 needed by all models, 5 by lstm; rule: a symbol with too "
        "little history is forecast only by models that read less. Fix: give a longer history."
    )
    assert by_none.line() == (
        "W66 CCC: found 4 sessions, 5 needed; rule: a symbol with too little history is "
        "forecast only by models that read less. Fix: give a longer history."
    )


def test_only_where_nobody_can_forecast_any_symbol_all_are_refused():
    bars = walk_bars((5, 4))
    assert [told.code for told in short_symbols(bars, needed=11, least=5)] == ["W66", "W66"]
    (refused,) = short_symbols(bars, needed=11, least=6)
    assert (refused.code, refused.symbol) == ("E66", "AAA")
    assert refused.rule == "at least 6, which one forecast reads"
    with pytest.raises(NotEnoughDataError) as raised:
        with_short_symbols(bars, needed=11, least=6)
    assert (raised.value.needed, raised.value.found) == (6, 5)


def test_the_longest_piece_counts():
    parts = pl.Series("segment", [0] * 5 + [1] * 4, dtype=pl.Int32)
    bars = Bars(frame=walk_bars((9,)).frame.with_columns(parts))
    assert [told.found for told in short_symbols(bars, needed=6, least=5)] == [
        "5 sessions, 6 needed by all models, 5 by lstm"
    ]
    assert short_symbols(bars, needed=5) == ()
