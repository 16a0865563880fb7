import pytest

from nextclose.data.segments import with_short_symbols
from nextclose.errors import NotEnoughDataError
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
        "W66 FB: found 1 session, 5 needed; rule: a symbol with too little history gets no "
        "forecast. Fix: give a longer history."
    )
    assert with_short_symbols(read, needed=1) is read
    with pytest.raises(NotEnoughDataError) as raised:
        with_short_symbols(read, needed=6)
    assert (raised.value.needed, raised.value.found) == (6, 5)
