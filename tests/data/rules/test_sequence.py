"""The rules together: whatever happens later, rows, masks and segments of before stay as they are.

The leak tests do the same with long panels; here whole histories are drawn and cut at every row.
"""

from datetime import date
from itertools import cycle, product

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextclose.config import DataConfig
from nextclose.data.rules.sequence import RULES
from nextclose.schema import Bars
from tests.data.bar_frames import codes, days, read, walk
from tests.frames import collect_bars

N = 170
STRICT: dict[str, object] = {}
LENIENT: dict[str, object] = {
    "duplicates": "last",
    "nonpositive": "drop",
    "gaps": "split",
    "fill": "ffill:2",
    "spikes": "clip",
    "non_session": "keep",
}
PRICES = ("open", "high", "low", "close")
# what may happen to rows [start, stop): name, most rows
FAULTS = {
    "still": 70,
    "gone": 40,
    "empty": 4,
    "zero": 3,
    "negative": 2,
    "spike": 1,
    "split": 200,
    "pence": 200,
    "again": 3,
    "otherwise": 3,
    "stamped": 2,
    "saturday": 1,
    "rangeless": 40,
    "crossed": 5,
    "absurd": 3,
}


@st.composite
def histories(draw: st.DrawFn) -> tuple[pl.DataFrame, list[date]]:
    """Two symbols with faults drawn at random, out of order in the file.

    And the first and the last day of each fault: what looks ahead from there shows, elsewhere
    hardly ever.
    """
    parts, borders = [], set()
    for k, symbol in enumerate(("AAPL", "SONY.T")):
        frame = sound(symbol, seed=draw(st.integers(0, 5)) + 10 * k)
        when = frame["date"].dt.date()
        for _ in range(draw(st.integers(0, 4))):
            kind = draw(st.sampled_from(sorted(FAULTS)))
            start = draw(st.integers(0, N - 1))
            n_rows = draw(st.integers(1, FAULTS[kind]))
            frame = with_fault(frame, kind, start, start + n_rows)
            borders |= {when[start], when[min(start + n_rows, N) - 1]}
        parts.append(frame.drop("place"))
    return pl.concat(parts), sorted(borders)


def sound(symbol: str, *, seed: int) -> pl.DataFrame:
    close = walk(N, seed=seed, sd=0.006)
    exchange = "XTKS" if symbol.endswith(".T") else "XNYS"
    when = pl.Series("date", days(N, exchange=exchange)).cast(pl.Datetime("us"))
    return pl.DataFrame(
        {
            "symbol": [symbol] * N,
            "date": when,
            "open": close,
            "high": np.round(close * 1.01, 2),
            "low": np.round(close * 0.99, 2),
            "close": close,
            "volume": [1000 + 10 * (k % 7) for k in range(N)],
            "place": range(N),
        }
    )


def with_fault(frame: pl.DataFrame, kind: str, start: int, stop: int) -> pl.DataFrame:
    is_hit = pl.col("place").is_between(start, stop, closed="left")
    rows = frame.filter(is_hit)
    if kind == "gone":
        return frame.filter(~is_hit)
    if kind == "again":
        return pl.concat([frame, rows])
    if kind == "otherwise":
        return pl.concat([frame, rows.with_columns(pl.col("close") * 1.001)])
    if kind == "saturday":
        none = pl.lit(0, dtype=pl.Int64)
        later = rows.with_columns(pl.col("date").dt.offset_by("1d"), volume=none)
        weekend = later.filter(pl.col("date").dt.weekday() == 6)
        return pl.concat([frame, weekend.with_columns(pl.col("close").alias(c) for c in PRICES)])
    still = frame.filter(pl.col("place") <= start)["close"].tail(1)
    cells: dict[str, dict[str, pl.Expr]] = {
        "still": dict.fromkeys(PRICES, pl.lit(still.item() if len(still) else 9.0))
        | {"volume": pl.lit(0)},
        "empty": {"close": pl.lit(None)},
        "zero": dict.fromkeys(PRICES, pl.lit(0.0)),
        "negative": {"low": pl.lit(-1.0)},
        "rangeless": dict.fromkeys(("open", "high", "low", "volume"), pl.lit(None)),
        "crossed": {"high": pl.col("close") * 0.97},
        "absurd": {"open": pl.col("open") * 40},
        "spike": {c: pl.col(c) * 1.3 for c in PRICES},
        "split": {c: pl.col(c) / 2 for c in PRICES} | {"volume": pl.col("volume") * 2},
        "pence": {c: pl.col(c) * 100 for c in PRICES},
        "stamped": {"date": pl.col("date").dt.offset_by("11h")},
    }
    return frame.with_columns(
        pl.when(is_hit).then(value).otherwise(pl.col(name)).alias(name)
        for name, value in cells[kind].items()
    )


def past(bars: Bars, at: date) -> pl.DataFrame:
    return bars.frame.filter(pl.col("session") <= at)


def cut(frame: pl.DataFrame, at: date) -> pl.DataFrame:
    return frame.filter(pl.col("date").dt.date() <= at)


def wild(frame: pl.DataFrame, at: date) -> pl.DataFrame:
    """The rows up to a date, and behind them the others with another close and no volume."""
    is_later = pl.col("date").dt.date() > at
    other = [pl.when(is_later).then(31.25).otherwise(c).alias(c) for c in PRICES]
    return frame.with_columns(*other, pl.when(is_later).then(0).otherwise("volume").alias("volume"))


def assert_same_past(frame, config, futures):
    """What was kept up to a day is kept whatever follows it; `futures`: pairs of day and future.

    A file refused whole, as several series under one symbol, keeps nothing: its end may show it.
    """
    bars = read(frame, **config)
    for at, future in futures:
        other = read(future(frame, at), **config)
        if any(f.code == "E43" and not f.session for f in (*bars.findings, *other.findings)):
            continue
        assert past(other, at).equals(past(bars, at)), f"{future.__name__} after {at}"


@settings(max_examples=30)
@given(history=histories(), config=st.sampled_from([STRICT, LENIENT]))
def test_no_later_row_changes_rows_masks_or_segments_of_before(history, config):
    frame, borders = history
    assert_same_past(frame, config, zip(borders, cycle((cut, wild)), strict=False))


@pytest.mark.slow
@settings(max_examples=60)
@given(history=histories(), config=st.sampled_from([STRICT, LENIENT]), start=st.integers(0, 9))
def test_no_later_row_changes_those_of_before_at_any_day(history, config, start):
    frame, borders = history
    assert_same_past(frame, config, product([*borders, *days(N)[start::10]], (cut, wild)))


LEAKS = {  # what a rule might do, and a fault that shows it
    "a halt marked from its first row": (
        lambda bars: bars.frame.with_columns(
            pl.col("halted").reverse().rolling_max(5, min_samples=1).reverse()
        ),
        "still",
    ),
    "a spike unmarked as it comes back": (
        lambda bars: bars.frame.with_columns(
            pl.col("spiked") & ((pl.col("close").shift(-1) / pl.col("close")).log().abs() < 0.1)
        ),
        "spike",
    ),
    "a range taken from the next row": (
        lambda bars: bars.frame.with_columns(
            pl.col("open", "high", "low").backward_fill().over("symbol")
        ),
        "absurd",
    ),
    "segments numbered from the end": (
        lambda bars: bars.frame.with_columns(
            pl.col("segment") - pl.col("segment").max().over("symbol")
        ),
        "gone",
    ),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_rule_that_looks_ahead_is_found(leak):
    looks_ahead, kind = LEAKS[leak]
    frame = with_fault(sound("AAPL", seed=1), kind, 100, 100 + min(10, FAULTS[kind])).drop("place")
    bars = looks_ahead(read(frame))
    differs = []
    for at in days(N)[60:140]:
        other = looks_ahead(read(cut(frame, at)))
        before = pl.col("session") <= at
        differs.append(not bars.filter(before).equals(other.filter(before)))
    assert any(differs)


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_each_fault_of_the_drawn_histories_is_answered(kind):
    frame = with_fault(sound("AAPL", seed=1), kind, 80, 80 + min(12, FAULTS[kind])).drop("place")
    expected = {
        "still": "W63",
        "gone": "E52",
        "empty": "W58",
        "zero": "W56",
        "negative": "W58",
        "spike": "W64",
        "split": "E59",
        "pence": "E61",
        "again": "R42",
        "otherwise": "E43",
        "stamped": "P50",
        "saturday": "P51",
        "rangeless": "W58",
        "crossed": "P55",
        "absurd": "W55",
    }
    if kind == "saturday":
        frame = with_fault(sound("AAPL", seed=1), kind, 0, 12).drop("place")
    assert expected[kind] in codes(read(frame))


SETTINGS = [  # number, setting, value, response under it, or None where the rule is silent
    (43, "duplicates", "last", ["E", "P"]),  # several series are refused all the same
    (43, "duplicates", None, ["E", "E"]),
    (50, "unfinished", "drop", ["P"]),
    (50, "unfinished", "keep", ["W"]),
    (51, "non_session", "drop", ["P", "W"]),
    (51, "non_session", "keep", ["W", "W"]),
    (52, "gaps", None, ["W", "E"]),
    (52, "gaps", "split", ["W", "P"]),
    (57, "fill", None, ["W"]),
    (57, "fill", "ffill:1", []),
    (55, "ranges", "widen", ["E", "W", "P", "R"]),
    (55, "ranges", "refuse", ["E", "E", "R"]),
    (58, "fill", None, ["W", "E", "W"]),
    (58, "fill", "ffill:1", ["W", "E", "P", "W"]),
    (58, "fill", "ffill:3", ["W", "E", "P", "W"]),
    (64, "spikes", None, ["W", "W"]),
    (64, "spikes", "clip", ["P", "W"]),
]


@pytest.mark.parametrize(("number", "setting", "value", "responses"), SETTINGS)
def test_settings_change_the_response_as_the_catalogue_says(number, setting, value, responses):
    config = DataConfig.model_validate({setting: value})
    own = [rule for rule in RULES if rule.finding.number == number]
    rules = [rule.with_settings(config) for rule in own]
    assert [rule.finding.response for rule in rules if rule] == responses
    for rule in rules:
        if rule and rule.finding.response == "P":
            assert f'data.{setting} = "{value}"' in rule.finding.rule


def test_every_refusal_names_a_cure():
    assert all(rule.finding.fix for rule in RULES if rule.finding.response == "E")


def test_no_rule_trips_over_no_rows():
    empty = sound("AAPL", seed=0).drop("place").clear()
    for config in (STRICT, LENIENT):
        bars = collect_bars(empty, config=DataConfig.model_validate(config))
        assert bars.frame.height == 0
        assert [finding.code for finding in bars.findings if finding.response == "E"] == ["E3"]
