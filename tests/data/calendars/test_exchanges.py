import pytest

from nextclose.data.calendars.exchanges import INDICES, SUFFIXES, exchange_of, exchanges_of
from nextclose.data.calendars.sessions import session_table

SYMBOLS = [
    ("AAPL", "XNYS"),
    ("BRK-B", "XNYS"),
    ("BRK.B", "XNYS"),  # a class of share, not an exchange
    ("VOD.L", "XLON"),
    ("7203.T", "XTKS"),
    ("BMW.DE", "XETR"),
    ("PETR4.SA", "BVMF"),
    ("^GSPC", "XNYS"),
    ("^N225", "XTKS"),
    ("^NOTHING", ""),
    ("BTC-USD", "24/7"),
    ("EURUSD=X", "24/5"),
    ("CL=F", ""),
    ("MC.FP", "XPAR"),
    ("EURUSD.FOREX", "24/5"),
    ("SONY.ZZ", ""),
]


@pytest.mark.parametrize(("symbol", "exchange"), SYMBOLS)
def test_a_symbols_name_tells_its_exchange_or_that_it_is_not_known(symbol, exchange):
    assert exchange_of(symbol) == exchange


def test_a_calendar_of_the_users_is_that_of_every_symbol():
    assert exchanges_of(["AAPL", "VOD.L"], calendar="XTKS") == {"AAPL": "XTKS", "VOD.L": "XTKS"}
    assert exchanges_of(["AAPL", "VOD.L"], calendar="weekdays") == {"AAPL": "", "VOD.L": ""}
    assert exchanges_of(["AAPL", "VOD.L"], calendar=None) == {"AAPL": "XNYS", "VOD.L": "XLON"}


@pytest.mark.slow
@pytest.mark.parametrize("exchange", sorted({*SUFFIXES.values(), *INDICES.values()}))
def test_every_exchange_of_the_table_has_a_calendar_that_can_be_built(exchange):
    table = session_table(exchange)
    assert table.is_published
    assert table.is_session.sum() > 9_000
