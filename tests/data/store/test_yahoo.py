"""yfinance against a server on this machine that speaks Yahoo's JSON and misbehaves."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from datetime import date
from datetime import time as clock_time
from email.utils import formatdate

import pytest

from nextclose.data.store.providers import NoHistoryError
from nextclose.data.store.yahoo import YahooProvider, quotes
from nextclose.errors import ConfigError
from nextclose.libraries import pip_install
from tests.data.store.yahoo_server import FakeYahoo, Listing, fake_yahoo

DAYS = [date(2024, 1, day) for day in (2, 3, 4, 5, 8, 9)]
# open, high, low, close, volume, adjusted close
ROWS: list[list[float | None]] = [
    [10.0 + k, 11.0 + k, 9.0 + k, 10.5 + k, 1000 + k, 5.25 + k] for k in range(6)
]


@pytest.fixture
def yahoo() -> Iterator[FakeYahoo]:
    with fake_yahoo(AAPL=Listing(DAYS, ROWS), MSFT=Listing(DAYS, ROWS)) as server:
        yield server


def ask(yahoo: FakeYahoo, symbol: str = "AAPL", *, since: date = DAYS[0], seconds: float = 20):
    return YahooProvider(base=yahoo.url, seconds=seconds).history(symbol, since=since)


def test_a_history_has_every_column_from_the_first_day_asked_for(yahoo):
    history = ask(yahoo, since=DAYS[2])
    assert history.frame["session"].to_list() == DAYS[2:]
    columns = ["session", "open", "high", "low", "close", "volume", "adj_close"]
    assert history.frame.columns == columns
    assert history.frame.row(0) == (DAYS[2], 12.0, 13.0, 11.0, 12.5, 1002.0, 7.25)
    assert (history.currency, history.zone) == ("USD", "America/New_York")
    assert not history.is_adjusted
    assert history.client.startswith("yfinance ")


@pytest.mark.parametrize(
    ("symbol", "zone", "opens_at", "currency"),
    [
        ("7203.T", "Asia/Tokyo", clock_time(9, 0), "JPY"),  # midnight in UTC
        ("AIR.NZ", "Pacific/Auckland", clock_time(10, 0), "NZD"),  # the day before in UTC
        ("VOD.L", "Europe/London", clock_time(8, 0), "GBp"),
        ("PETR4.SA", "America/Sao_Paulo", clock_time(10, 0), "BRL"),
    ],
)
def test_a_bar_is_dated_where_it_was_traded(symbol, zone, opens_at, currency):
    listing = Listing(DAYS, ROWS, zone=zone, opens_at=opens_at, currency=currency)
    with fake_yahoo(**{symbol: listing}) as yahoo:
        history = ask(yahoo, symbol)
    assert history.frame["session"].to_list() == DAYS
    assert (history.currency, history.zone) == (currency, zone)


def test_an_empty_bar_stays_an_empty_bar(yahoo):
    rows: list[list[float | None]] = [*ROWS[:3], [None] * 6, *ROWS[4:]]
    yahoo.listings["AAPL"] = Listing(DAYS, rows)
    frame = ask(yahoo).frame
    assert frame["session"].to_list() == DAYS
    assert frame["close"].null_count() == 1
    assert frame["close"][3] is None


FAULTS = [
    ("429", 71, "HTTP 429"),
    ("503", 71, "HTTP 503"),
    ("half", 71, "no whole answer: curl: (18)"),
    ("reset", 71, "no whole answer: curl: (52)"),
    ("stall", 71, "no whole answer: curl: (28)"),
    ("empty", 72, "0 rows"),
    ("html", 73, "an HTML page in place of prices (HTTP 200)"),
    ("huge", 73, "an answer above 64 MiB"),
    ("without open", 73, "no open"),
    ("without adjclose", 73, "no adjclose"),
    ("short close", 73, "5 of close for 6 dates"),
    ("other", 73, "in place of prices (HTTP 200)"),
    ("about MSFT", 73, "an answer about 'MSFT'"),
    ("about AAPL.MX", 73, "an answer about 'AAPL.MX'"),
    ("nobody", 73, "an answer about None"),
    ("differs 2", 73, "two rows of 2024-01-04"),
    ("differs 5", 73, "two rows of 2024-01-09"),  # the client would keep the first of them
    ("later 2", 73, "two rows of 2024-01-04"),
]


@pytest.mark.parametrize(("fault", "number", "found"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_what_is_wrong_with_an_answer_is_said_with_the_version_of_the_client(
    yahoo, fault, number, found
):
    yahoo.faults = [fault, "for ever"]
    started = time.monotonic()
    with pytest.raises(NoHistoryError) as raised:
        ask(yahoo, seconds=1.0 if fault == "stall" else 20)
    assert raised.value.number == number
    assert found in raised.value.found
    if number == 73:
        assert "(yfinance 1." in raised.value.found
    assert time.monotonic() - started < 10
    yahoo.faults = []
    assert ask(yahoo).frame.height == 6  # nothing of it sticks


def test_a_row_that_stands_twice_with_the_same_values_is_one(yahoo):
    expected = ask(yahoo).frame
    for k in (0, 2, 5):
        yahoo.faults = [f"again {k}", "for ever"]
        assert ask(yahoo).frame.equals(expected)


def test_a_live_quote_behind_the_bar_of_its_day_is_the_newest_bar(yahoo):
    yahoo.faults = ["later 5", "for ever"]
    frame = ask(yahoo).frame
    assert frame["session"].to_list() == DAYS
    assert frame["close"][-1] == 16.5  # it is asked for again once the session is over


def test_the_spelling_of_a_symbol_in_an_answer_may_be_another(yahoo):
    for name in ("aapl", "AAPL"):
        yahoo.faults = [f"about {name}", "for ever"]
        assert ask(yahoo).frame.height == 6


def test_a_symbol_yahoo_does_not_know_has_no_rows(yahoo):
    with pytest.raises(NoHistoryError, match="No data found, symbol may be delisted") as raised:
        ask(yahoo, "NOPE")
    assert raised.value.number == 72


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        pytest.param(formatdate(time.time() + 36_000, usegmt=True), 36_000, id="in ten hours"),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("soon", None),
        ("", None),
    ],
)
def test_how_long_to_wait_is_read_in_seconds_or_as_a_date(yahoo, text, seconds):
    yahoo.faults = [f"429 {text}", "for ever"]
    with pytest.raises(NoHistoryError) as raised:
        ask(yahoo)
    expected = None if seconds is None else pytest.approx(seconds, rel=0.05)
    assert raised.value.wait_seconds == expected


def test_a_server_that_is_not_there_gives_no_answer():
    provider = YahooProvider(base="http://127.0.0.1:9", seconds=5)
    with pytest.raises(NoHistoryError) as raised:
        provider.history("AAPL", since=DAYS[0])
    assert raised.value.number == 71


def test_columns_of_two_levels_are_flattened_for_one_symbol_and_refused_for_several(yahoo):
    import yfinance

    session = YahooProvider(base=yahoo.url)._session
    session.begin()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one, two = (
            yfinance.download(
                names, start="2024-01-02", auto_adjust=False, progress=False, session=session
            )
            for names in (["AAPL"], ["AAPL", "MSFT"])
        )
    assert one.columns.nlevels == two.columns.nlevels == 2
    assert quotes(one)["adj_close"].to_list() == [row[5] for row in ROWS]
    assert quotes(one.swaplevel(axis=1))["close"].to_list() == [row[3] for row in ROWS]
    with pytest.raises(NoHistoryError, match="more than one of a name"):
        quotes(two)


def test_a_client_that_adjusts_close_itself_gives_no_adjusted_close(yahoo):
    import pandas as pd

    index = pd.DatetimeIndex(["2024-01-02"], tz="America/New_York")
    names = ["Open", "High", "Low", "Close", "Volume"]
    frame = pd.DataFrame([[10.0, 11.0, 9.0, 10.5, 1000]], index=index, columns=names)
    assert quotes(frame).columns == ["session", "open", "high", "low", "close", "volume"]
    with pytest.raises(NoHistoryError, match="columns Open, High, Low, Close; no Volume"):
        quotes(frame.drop(columns="Volume"))


def test_the_client_prints_nothing_and_its_settings_are_as_before(yahoo, capfd, caplog):
    import yfinance

    with pytest.raises(NoHistoryError):
        ask(yahoo, "NOPE")
    yahoo.faults = ["empty"] * 2
    with pytest.raises(NoHistoryError):
        ask(yahoo)
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
    assert yfinance.config.debug.hide_exceptions is True
    assert not logging.getLogger("yfinance").disabled


def test_nothing_is_left_in_the_home_folder_and_warnings_are_not_printed(yahoo, tmp_path):
    yahoo.crumb_status = 429  # of which yfinance warns, and goes on
    code = (
        "import sys; from datetime import date\n"
        "from nextclose.data.store.yahoo import YahooProvider\n"
        "history = YahooProvider(base=sys.argv[1]).history('AAPL', since=date(2024, 1, 2))\n"
        "assert history.frame.height == 6\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, yahoo.url],
        capture_output=True,
        env={"HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_without_yfinance_the_cure_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "yfinance", None)
    with pytest.raises(ConfigError, match=re.escape(pip_install("yahoo"))):
        YahooProvider().history("AAPL", since=DAYS[0])
