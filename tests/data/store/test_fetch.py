"""Downloads into a store: incremental, whole or nothing, revisions kept, patient to a limit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from nextclose.config import DataConfig
from nextclose.data.bars import assemble_bars
from nextclose.data.store.fetch import check_outcomes, download
from nextclose.data.store.index import store_prices
from nextclose.data.store.providers import History, NoHistoryError
from nextclose.data.store.update import Outcome
from nextclose.errors import ConfigError, SourceError
from nextclose.schema import Bars
from tests.data.store.fake_histories import DAYS, EVENING, FakeClock, FakeProvider, bars

SINCE = date(2024, 1, 1)


def fetch(
    path: Path,
    provider: FakeProvider,
    *symbols: str,
    clock: FakeClock | None = None,
    **settings: object,
) -> list[Outcome]:
    since = settings.pop("since", SINCE)
    config = DataConfig(**settings)  # type: ignore[arg-type]
    asked = download(
        symbols or ("AAPL",),
        path,
        provider=provider,
        since=since,  # type: ignore[arg-type]
        config=config,
        clock=(clock or FakeClock()).clock,
    )
    return list(asked)


def read(path: Path, **settings: object) -> Bars:
    config = DataConfig(**settings)  # type: ignore[arg-type]
    return assemble_bars(store_prices(path, config=config), config=config)


def closes(path: Path, symbol: str = "AAPL", **settings: object) -> list[float]:
    frame = read(path, **settings).frame
    return frame.filter(pl.col("symbol") == symbol)["close"].to_list()


def content(path: Path) -> dict[str, bytes]:
    return {str(f): f.read_bytes() for f in sorted(path.rglob("*")) if f.is_file()}


def test_a_new_symbol_is_fetched_from_the_first_day_and_stored_whole(tmp_path):
    provider = FakeProvider(AAPL=bars())
    (outcome,) = fetch(tmp_path, provider)
    assert provider.asked == [("AAPL", "2024-01-01")]
    assert outcome == Outcome(
        symbol="AAPL", state="new", sessions=40, added=40, first=DAYS[0], last=DAYS[-1]
    )
    assert closes(tmp_path) == bars()["adj_close"].to_list()


def test_without_a_first_day_new_symbols_begin_in_2000_and_stored_ones_where_they_did(tmp_path):
    provider = FakeProvider(AAPL=bars(), MSFT=bars())
    fetch(tmp_path, provider, "AAPL")
    provider.frames["AAPL"] = bars(factor=0.9)
    fetch(tmp_path, provider, "AAPL", "MSFT", since=None)
    assert provider.asked[2:] == [("AAPL", "2024-01-01"), ("MSFT", "2000-01-01")]


def test_a_later_fetch_asks_from_ten_sessions_before_the_end_and_adds_what_is_new(tmp_path):
    provider = FakeProvider(AAPL=bars(30))
    fetch(tmp_path, provider)
    provider.frames["AAPL"] = bars(33)
    (outcome,) = fetch(tmp_path, provider)
    assert provider.asked[1:] == [("AAPL", str(DAYS[20]))]
    assert (outcome.state, outcome.added, outcome.sessions) == ("grown", 3, 33)
    assert outcome.findings == ()
    assert closes(tmp_path) == bars(33)["adj_close"].to_list()


def test_nothing_new_writes_nothing(tmp_path):
    provider = FakeProvider(AAPL=bars(30))
    fetch(tmp_path, provider)
    before = content(tmp_path)
    (outcome,) = fetch(tmp_path, provider)
    assert (outcome.state, outcome.added, outcome.sessions) == ("unchanged", 0, 30)
    assert content(tmp_path) == before


def test_rounding_of_a_feed_is_no_revision(tmp_path):
    provider = FakeProvider(AAPL=bars(30))
    fetch(tmp_path, provider)
    provider.frames["AAPL"] = bars(31, factor=1 + 5e-7)
    (outcome,) = fetch(tmp_path, provider)
    assert outcome.state == "grown"
    assert closes(tmp_path)[:30] == bars(30)["adj_close"].to_list()  # as they were stored


REVISIONS = {
    "a dividend": (bars(31, factor=0.98), 30, DAYS[0]),
    "a split": (bars(31, raw_factor=0.5), 30, DAYS[0]),
    "one volume, two sessions back": (
        bars(31).with_columns(
            volume=pl.when(pl.col("session") == DAYS[28]).then(1.0).otherwise("volume")
        ),
        1,
        DAYS[28],
    ),
    "a bar taken away": (bars(31).filter(pl.col("session") != DAYS[25]), 1, DAYS[25]),
    "a value taken away": (
        bars(31).with_columns(
            close=pl.when(pl.col("session") != DAYS[26]).then("close"),
        ),
        1,
        DAYS[26],
    ),
}


@pytest.mark.parametrize("name", REVISIONS)
def test_a_history_told_otherwise_is_fetched_whole_and_kept_beside_the_old_one(tmp_path, name):
    told, n, first = REVISIONS[name]
    provider = FakeProvider(AAPL=bars(30))
    fetch(tmp_path, provider, gaps="split")
    provider.frames["AAPL"] = told
    later = FakeClock(EVENING + timedelta(days=1))
    (outcome,) = fetch(tmp_path, provider, clock=later, gaps="split")
    assert provider.asked[1:] == [("AAPL", str(DAYS[20])), ("AAPL", "2024-01-01")]
    assert (outcome.state, outcome.added, outcome.revised) == ("revised", 1, n)
    (note,) = outcome.findings
    assert (note.code, note.symbol, note.session, note.count) == ("W75", "AAPL", str(first), n)
    assert closes(tmp_path, as_of=EVENING.date()) == bars(30)["adj_close"].to_list()
    expected = told.filter(pl.col("close").is_not_null())["adj_close"].to_list()
    assert closes(tmp_path) == expected


def test_a_volume_that_gets_fractions_is_kept_with_them(tmp_path):
    provider = FakeProvider(AAPL=bars(30))
    fetch(tmp_path, provider)
    last = bars(31)[30:].with_columns(volume=pl.lit(0.5))
    provider.frames["AAPL"] = pl.concat([bars(30), last], how="vertical_relaxed")
    (outcome,) = fetch(tmp_path, provider)
    assert outcome.state == "grown"
    assert {f.code for f in read(tmp_path).findings} >= {"R31"}


def test_another_currency_is_another_history(tmp_path):
    provider = FakeProvider(AAPL=bars(30))
    fetch(tmp_path, provider)
    provider.currency = "EUR"
    (outcome,) = fetch(tmp_path, provider)
    assert (outcome.state, outcome.revised) == ("revised", 0)
    assert [f.code for f in outcome.findings] == ["W75"]


def test_an_earlier_first_day_fetches_what_came_before_and_revises_nothing(tmp_path):
    provider = FakeProvider(AAPL=bars(30))
    fetch(tmp_path, provider, since=DAYS[5])
    later = FakeClock(EVENING + timedelta(days=1))
    (outcome,) = fetch(tmp_path, provider, since=SINCE, clock=later)
    assert (outcome.state, outcome.added, outcome.first) == ("grown", 5, DAYS[0])
    assert closes(tmp_path, as_of=EVENING.date()) == bars(30)["adj_close"].to_list()[5:]
    fetch(tmp_path, provider, since=SINCE)
    assert provider.asked[-1] == ("AAPL", str(DAYS[20]))  # not the whole again


def test_a_later_first_day_takes_nothing_away(tmp_path):
    provider = FakeProvider(AAPL=bars(30))
    fetch(tmp_path, provider)
    (outcome,) = fetch(tmp_path, provider, since=DAYS[25])
    assert (outcome.state, outcome.first) == ("unchanged", DAYS[0])


@pytest.mark.parametrize(
    ("now", "n_stored", "codes"),
    [
        (datetime(2024, 2, 28, 15, 0, tzinfo=UTC), 39, ["P50"]),  # ten o'clock in New York
        (datetime(2024, 2, 28, 21, 29, tzinfo=UTC), 39, ["P50"]),  # closed, not yet half an hour
        (datetime(2024, 2, 28, 21, 30, tzinfo=UTC), 40, []),
    ],
)
def test_a_bar_is_stored_once_its_session_is_over(tmp_path, now, n_stored, codes):
    (outcome,) = fetch(tmp_path, FakeProvider(AAPL=bars()), clock=FakeClock(now))
    assert outcome.sessions == n_stored
    assert [finding.code for finding in outcome.findings] == codes
    assert [finding.session for finding in outcome.findings] == [str(DAYS[-1])] * len(codes)


def test_the_bar_of_a_running_session_is_new_the_next_day_and_no_revision(tmp_path):
    is_running = pl.col("session") == DAYS[-1]
    at_noon = bars().with_columns(
        pl.when(is_running).then(pl.col(name) * 1.001).otherwise(name).alias(name)
        for name in ("high", "close", "volume")
    )
    provider = FakeProvider(AAPL=at_noon)
    fetch(tmp_path, provider, clock=FakeClock(datetime(2024, 2, 28, 17, tzinfo=UTC)))
    provider.frames["AAPL"] = bars()
    (outcome,) = fetch(tmp_path, provider)
    assert (outcome.state, outcome.added, outcome.findings) == ("grown", 1, ())
    assert closes(tmp_path) == bars()["adj_close"].to_list()


def test_a_symbol_whose_only_bar_is_running_has_no_rows(tmp_path):
    first_day = bars().filter(pl.col("session") == DAYS[-1])
    clock = FakeClock(datetime(2024, 2, 28, 15, tzinfo=UTC))
    (outcome,) = fetch(tmp_path, FakeProvider(AAPL=first_day), clock=clock)
    assert [finding.code for finding in outcome.findings] == ["E72"]


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (bars(33)[5:], "only 2024-01-09 to 2024-02-16, stored are 2024-01-02 to 2024-02-13"),
        (bars(29), "only 2024-01-02 to 2024-02-12, stored are 2024-01-02 to 2024-02-13"),
    ],
)
def test_a_history_shorter_than_the_stored_one_is_refused(tmp_path, told, found):
    provider = FakeProvider(AAPL=bars(30))
    fetch(tmp_path, provider)
    before = content(tmp_path)
    provider.frames["AAPL"] = told.with_columns(pl.col("volume") + 1)
    (outcome,) = fetch(tmp_path, provider)
    (finding,) = outcome.findings
    assert (outcome.state, finding.code) == ("failed", "E73")
    assert finding.found == f"{found}; stored up to 2024-02-13"
    assert content(tmp_path) == before


def test_a_history_that_breaks_a_rule_is_not_stored_and_the_others_are(tmp_path):
    is_bad = pl.col("session") == DAYS[3]
    bad = bars().with_columns(close=pl.when(is_bad).then(-1.0).otherwise("close"))
    outcomes = fetch(tmp_path, FakeProvider(AAPL=bad, MSFT=bars()), "AAPL", "MSFT")
    assert [outcome.state for outcome in outcomes] == ["failed", "new"]
    (finding,) = [f for f in outcomes[0].findings if f.number == 54]
    assert (finding.path, finding.row, finding.column) == ("made", 4, "close")
    assert (finding.symbol, finding.session) == ("AAPL", "2024-01-05")
    assert read(tmp_path).symbols == ("MSFT",)
    with pytest.raises(SourceError) as raised:
        check_outcomes(outcomes)
    assert raised.value.exit_code == 9
    last = raised.value.findings[-1]
    assert (last.code, last.found) == ("E74", "1 of 2 symbols failed: AAPL (E54)")
    assert last.fix.endswith("data.allow_missing = 1.")


def test_a_stored_history_stays_when_its_continuation_breaks_a_rule(tmp_path):
    provider = FakeProvider(AAPL=bars(30))
    fetch(tmp_path, provider)
    before = content(tmp_path)
    provider.frames["AAPL"] = pl.concat([bars(30), bars(31)[30:].with_columns(close=-1.0)])
    (outcome,) = fetch(tmp_path, provider)
    assert outcome.state == "failed"
    assert content(tmp_path) == before


def no_answer(wait_seconds: float | None = None) -> NoHistoryError:
    return NoHistoryError("HTTP 429", number=71, wait_seconds=wait_seconds)


def test_no_answer_is_tried_five_times_with_waits_that_double(tmp_path):
    provider, clock = FakeProvider(AAPL=bars()), FakeClock()
    provider.faults = [no_answer()] * 5
    (outcome,) = fetch(tmp_path, provider, clock=clock)
    assert clock.waits == [4, 8, 16, 32]
    (finding,) = outcome.findings
    assert finding.line() == (
        "E71 made, AAPL: found HTTP 429, 5 tries in 60 s; "
        "rule: an answer within 5 tries in 120 s. Fix: wait, then run the same command again."
    )


def test_an_answer_to_the_fifth_try_is_as_good_as_one_to_the_first(tmp_path):
    provider = FakeProvider(AAPL=bars())
    provider.faults = [no_answer()] * 4
    (outcome,) = fetch(tmp_path, provider)
    assert (outcome.state, outcome.sessions) == ("new", 40)


@pytest.mark.parametrize(
    ("asked", "waits", "found"),
    [
        ([50.0, 5.0], [50, 8], ""),  # as long as asked for, never shorter than planned
        ([30.0] * 5, [30, 30, 30], "HTTP 429 and asks to wait 30 s, 4 tries in 90 s"),
        ([3600.0], [], "HTTP 429 and asks to wait 3600 s, 1 try in 0 s"),
    ],
)
def test_a_provider_that_asks_for_time_gets_it_up_to_two_minutes(tmp_path, asked, waits, found):
    provider, clock = FakeProvider(AAPL=bars()), FakeClock()
    provider.faults = [no_answer(seconds) for seconds in asked]
    (outcome,) = fetch(tmp_path, provider, clock=clock)
    assert clock.waits == waits
    assert [finding.found for finding in outcome.findings] == ([found] if found else [])


def test_after_no_answer_the_rest_is_not_asked_for_and_all_are_listed(tmp_path):
    provider = FakeProvider(AAPL=bars(), MSFT=bars(), IBM=bars())
    fetch(tmp_path, provider, "AAPL", "MSFT")
    provider.frames["AAPL"] = bars(factor=0.9)
    provider.asked.clear()
    provider.faults = [no_answer(3600)]
    outcomes = fetch(tmp_path, provider, "MSFT", "AAPL", "IBM")
    assert provider.asked == [("MSFT", str(DAYS[30]))]
    assert outcomes[0].findings[0].found.endswith("; stored up to 2024-02-28")
    with pytest.raises(SourceError) as raised:
        check_outcomes(outcomes, allow_missing=3)  # never all of them
    found = raised.value.findings[-1].found
    assert found == "3 of 3 symbols failed: MSFT (E71), AAPL (E71), IBM (E71)"
    assert raised.value.findings[-1].fix == "run it again."
    assert closes(tmp_path) == bars()["adj_close"].to_list()


@pytest.mark.parametrize("number", [72, 73])
def test_what_will_not_change_is_asked_for_once(tmp_path, number):
    provider, clock = FakeProvider(AAPL=bars()), FakeClock()
    provider.faults = [NoHistoryError("odd", number=number)]
    (outcome,) = fetch(tmp_path, provider, clock=clock)
    assert clock.waits == []
    assert [finding.code for finding in outcome.findings] == [f"E{number}"]


def test_as_many_symbols_as_allowed_may_fail_with_a_warning(tmp_path):
    provider = FakeProvider(AAPL=bars(), MSFT=bars().head(0))
    outcomes = fetch(tmp_path, provider, "AAPL", "MSFT")
    findings = check_outcomes(outcomes, allow_missing=1)
    assert [finding.code for finding in findings] == ["W72", "W74"]
    assert findings[-1].rule == "a history of each symbol; data.allow_missing = 1"
    with pytest.raises(SourceError):
        check_outcomes(outcomes)


def test_one_symbol_that_fails_alone_is_one_line(tmp_path):
    outcomes = fetch(tmp_path, FakeProvider(MSFT=bars().head(0)), "MSFT")
    with pytest.raises(SourceError) as raised:
        check_outcomes(outcomes, allow_missing=1)
    assert [finding.code for finding in raised.value.findings] == ["E72"]


def test_a_damaged_file_fails_its_symbol_alone(tmp_path):
    provider = FakeProvider(AAPL=bars(), MSFT=bars(39))
    fetch(tmp_path, provider, "AAPL")
    (rows,) = (tmp_path / "vintages").iterdir()
    rows.write_bytes(b"")
    outcomes = fetch(tmp_path, provider, "AAPL", "MSFT")
    assert [outcome.state for outcome in outcomes] == ["failed", "new"]
    assert outcomes[0].findings[0].code == "E19"


@pytest.mark.parametrize("symbol", ["", "../x", "A/B", "A..B", "a b", "A\n", "Ä", "A" * 21])
def test_what_cannot_be_a_symbol_is_refused_before_anything_is_asked_or_written(tmp_path, symbol):
    provider = FakeProvider()
    with pytest.raises(ConfigError, match=r"is no symbol\. Fix: spell it"):
        fetch(tmp_path / "store", provider, "AAPL", symbol)
    assert provider.asked == []
    assert not (tmp_path / "store").exists()


def test_symbols_in_small_letters_are_meant_in_capitals_and_each_is_fetched_once(tmp_path):
    provider = FakeProvider(AAPL=bars())
    outcomes = fetch(tmp_path, provider, "aapl", "AAPL")
    assert [outcome.symbol for outcome in outcomes] == ["AAPL"]


MISSHAPEN = {
    "no close": bars().drop("close"),
    "no adj_close": bars().drop("adj_close"),
    "volume of type String": bars().with_columns(pl.col("volume").cast(pl.String)),
    "low of type Int64": bars().with_columns(pl.col("low").cast(pl.Int64)),
    "session of type String": bars().with_columns(pl.col("session").cast(pl.String)),
    "dates that do not rise": bars().reverse(),
}
MISSHAPEN["dates that do not rise "] = pl.concat([bars(3), bars(4)[2:]])


@pytest.mark.parametrize("fault", MISSHAPEN)
def test_a_history_of_another_shape_is_refused_with_the_difference(tmp_path, fault):
    class Odd(FakeProvider):
        def history(self, symbol: str, *, since: date) -> History:
            return History(frame=MISSHAPEN[fault], client="odd 2")

    (outcome,) = fetch(tmp_path, Odd())
    (finding,) = outcome.findings
    assert (finding.code, finding.found) == ("E73", f"{fault.strip()} (odd 2)")


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (bars(), "a DataFrame in place of a History (odd)"),
        (None, "a NoneType in place of a History (odd)"),
        (History(frame=bars().to_pandas, client="odd 2"), "a frame of type method, not of polars"),  # type: ignore[arg-type]
        (ZeroDivisionError("a slip"), "ZeroDivisionError: a slip"),
    ],
)
def test_a_provider_with_a_fault_of_its_own_is_one_line(tmp_path, answer, found):
    class Odd(FakeProvider):
        name = "odd"

        def history(self, symbol: str, *, since: date) -> History:
            if isinstance(answer, Exception):
                raise answer
            return answer  # type: ignore[no-any-return]

    (outcome,) = fetch(tmp_path, Odd())
    assert [finding.code for finding in outcome.findings] == ["E73"]
    assert outcome.findings[0].found.startswith(found)


def test_an_error_of_nextclose_passes_through_as_it_is(tmp_path):
    class Bare(FakeProvider):
        def history(self, symbol: str, *, since: date) -> History:
            raise ConfigError("downloads from Acme need acme. Fix: pip install acme.")

    with pytest.raises(ConfigError, match="pip install acme"):
        fetch(tmp_path, Bare())


def test_a_reason_that_the_catalogue_does_not_have_is_refused_where_it_is_made():
    with pytest.raises(ValueError, match="number 70 is none of"):
        NoHistoryError("odd", number=70)


def test_a_provider_that_adjusts_close_itself_is_read_as_adjusted(tmp_path):
    fetch(tmp_path, FakeProvider(AAPL=bars().drop("adj_close")))
    found = read(tmp_path)
    assert found.basis == "adjusted"
    assert [f.code for f in found.findings if f.number == 25] == ["R25"]
