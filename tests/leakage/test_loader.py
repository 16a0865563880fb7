"""The loader alone, in every world: what it kept and said up to a date, no future changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nextclose.config import DataConfig
from nextclose.data.bars import assemble_bars
from nextclose.data.findings import N_NAMED
from nextclose.data.reading.prices import unchecked_prices
from nextclose.data.rules.engine import OF_HISTORIES
from nextclose.data.sources.loading import load_usable_bars
from nextclose.schema import Bars, Finding
from tests.catalogue.cases import Case
from tests.catalogue.test_catalogue import CASES, NOW, data_of
from tests.frames import collect_bars
from tests.fuzz.harness import LENIENT
from tests.leakage.price_files import BASES, N_ROWS
from tests.leakage.price_futures import LATE_ROWS, ROWS, futures, with_future

# R31 is told at its first line, and the worlds put lines of later dates at the end of the file; a
# symbol that in some future never has a complete bar is told as such (E58) in place of its rows
FIRST_OF_THE_FILE = {"R31", "W57", "W58"}
# a refusal may look at the whole file: a tick that comes back is no split, and W59 is what E59 is
# not; of a symbol with refused rows nothing is refused that they may have brought about. What is
# marked in the rows is compared
LOOKS_AHEAD = {"W59", *(f"E{number}" for number in OF_HISTORIES)}
CONFIGS = {"strict": DataConfig(), "lenient": LENIENT}
Frame = pl.DataFrame


def known(bars: Bars, at: date) -> Frame:
    """The rows up to a date, with masks and segments."""
    return bars.frame.filter(pl.col("session") <= at)


def said(bars: Bars, at: date) -> dict[str, set[tuple[str, str, str]]]:
    """What was found at rows up to a date, by code. Counts speak of the whole file and stay out.

    Of a rule that is hit more often than it is named, which hits are named depends on the file.
    """
    found: dict[str, list[Finding]] = {}
    for finding in bars.findings:
        if finding.session:
            found.setdefault(finding.code, []).append(finding)
    return {
        code: {(f.symbol, f.session, f.column) for f in findings if f.session <= str(at)}
        for code, findings in found.items()
        if len(findings) < N_NAMED and code not in FIRST_OF_THE_FILE | LOOKS_AHEAD
    }


def assert_same_past(one: Bars, two: Bars, at: date, label: str) -> None:
    left, right = known(one, at), known(two, at)
    assert left.columns == right.columns, label
    assert left.equals(right), f"{label}: {first_difference(left, right)}"
    ours, theirs = said(one, at), said(two, at)
    for code in ours.keys() & theirs.keys():
        assert ours[code] == theirs[code], f"{label}: {code}"


def first_difference(left: Frame, right: Frame) -> str:
    both = left.join(right, on=["symbol", "session"], how="full", coalesce=True, suffix="_other")
    for row in both.sort("session").iter_rows(named=True):
        for name in left.columns[2:]:
            if row[name] != row[f"{name}_other"]:
                return f"{name}, {row['symbol']} {row['session']}"
    return "order"


@pytest.mark.parametrize("policy", CONFIGS)
@pytest.mark.parametrize("name", BASES)
def test_no_future_changes_what_was_kept_or_said_before_it(name: str, policy: str) -> None:
    walk(name, policy, ROWS, step=53)


@pytest.mark.slow
@pytest.mark.parametrize("policy", CONFIGS)
@pytest.mark.parametrize("name", BASES)
def test_no_future_at_any_cut_changes_what_was_kept(name: str, policy: str) -> None:
    walk(name, policy, ROWS + LATE_ROWS, step=4)


def is_refused_whole(bars: Bars) -> bool:
    """Whether what was given is several series under one symbol: a refusal may see the end."""
    return any(f.code == "E43" and not f.session for f in bars.findings)


def walk(name: str, policy: str, rows: tuple[int, ...], *, step: int) -> None:
    base, config = BASES[name](), CONFIGS[policy]
    made = collect_bars(base, config=config)
    for cut, world, scope in futures(rows, step=step):
        other = collect_bars(with_future(base, cut, world, scope), config=config)
        if is_refused_whole(other):
            continue  # a future of two series: such a file gives no bars at all, to nobody
        assert_same_past(made, other, cut, f"{name}, {policy}, after {cut}: {world}, {scope}")


def told_of_symbols(frame: Frame) -> Bars:
    """As collected with settings that speak of symbols: a table of splits, vouched moves, a start.

    Closes alone: what volumes would say is not there. The splits lie before every cut: a later one
    moves the level of all prices before it, and no more (`test_adjustment.py`).
    """
    splits = pl.DataFrame(
        {
            "symbol": ["AAA", "CCC.T"],
            "session": [date(2001, 2, 9), date(2001, 1, 19)],
            "ratio": [2.0, 0.01],
        }
    )
    config = LENIENT.model_copy(
        update={
            "not_a_split": ("BBB 2002-06-13", "AAA 2002-01-17"),
            "since": {"BBB": date(2001, 3, 1)},
        }
    )
    rows = pl.int_range(1, frame.height + 1, eager=True)
    closes = frame.select("symbol", "date", "close")
    for symbol, session, ratio in splits.iter_rows():  # prices that lack them
        is_before = (pl.col("symbol") == symbol) & (pl.col("date") < session)
        close = pl.when(is_before).then(pl.col("close") * ratio).otherwise("close")
        closes = closes.with_columns(close.alias("close"))
    part = unchecked_prices(closes, path="closes", rows=rows, config=config)
    return assemble_bars([part], config=config, now=NOW, splits=splits)


@pytest.mark.parametrize("name", ["spiky", "dirty", "halted"])
def test_no_future_changes_what_settings_of_symbols_made(name: str) -> None:
    base = BASES[name]()
    made = told_of_symbols(base)
    for cut, world, scope in futures(ROWS + LATE_ROWS, step=41):
        other = told_of_symbols(with_future(base, cut, world, scope))
        if is_refused_whole(other):
            continue
        assert_same_past(made, other, cut, f"{name}, after {cut}: {world}, {scope}")


def test_the_bases_hold_what_they_promise() -> None:
    """Each mask is set and segments end: else the worlds above would prove little."""
    made = {name: collect_bars(base(), config=LENIENT) for name, base in BASES.items()}
    assert made["halted"].frame["halted"].any()
    assert made["spiky"].frame["spiked"].any()
    assert made["dirty"].frame["filled"].any()
    assert made["lacking"].frame["widened"].any()
    assert made["halted"].frame["segment"].max() == 1
    assert made["spiky"].frame["segment"].max() == 1
    codes = {finding.code for bars in made.values() for finding in bars.findings}
    assert codes >= {
        "E59",
        "E61",
        "E65",
        "P43",
        "P52",
        "P54",
        "P55",
        "P58",
        "P64",
        "R42",
        "W55",
        "W63",
        "W69",
    }


LEAKS = {  # what a mask or segment might do, and a panel whose past it changes
    "M08 halts back-dated": (
        lambda frame: frame.with_columns(
            pl.col("halted").reverse().cum_max().reverse().over("symbol")
        ),
        "spiky",
    ),
    "M07 spike that came back": (
        lambda frame: frame.with_columns(
            pl.col("spiked") & ((pl.col("close").shift(-1) / pl.col("close") - 1).abs() > 0.2)
        ),
        "spiky",
    ),
    "a range widened by the next open": (
        lambda frame: frame.with_columns(
            pl.max_horizontal("high", pl.col("open").shift(-1).over("symbol")).alias("high")
        ),
        "spiky",
    ),
    "a missing range filled from behind": (
        lambda frame: frame.with_columns(
            pl.col("open", "high", "low").backward_fill().over("symbol")
        ),
        "lacking",
    ),
    "widened where the next close lies outside": (
        lambda frame: frame.with_columns(
            pl.col("widened") & (pl.col("close").shift(-1) > pl.col("high"))
        ),
        "lacking",
    ),
    "M10 the last segment alone": (
        lambda frame: frame.filter(pl.col("segment") == pl.col("segment").max().over("symbol")),
        "halted",
    ),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_mask_or_segment_that_looks_ahead_is_found(leak: str) -> None:
    change, panel = LEAKS[leak]
    assert changes_the_past(change, BASES[panel]())


def changes_the_past(change: Callable[[Frame], Frame], base: Frame) -> bool:
    """Whether any future changes what `change` makes of the rows before it."""
    made = change(collect_bars(base, config=LENIENT).frame)
    for cut, world, scope in futures(ROWS + LATE_ROWS, step=7):
        future = with_future(base, cut, world, scope)
        collected = collect_bars(future, config=LENIENT)
        if is_refused_whole(collected):
            continue
        other = change(collected.frame)
        past = pl.col("session") <= cut
        if not made.filter(past).equals(other.filter(past)):
            return True
    return False


# --- the catalogue's own files, cut after some of their lines ---

# A cut cannot stand for "the rows before": lines out of order, two lines of one session.
OUT_OF_ORDER = {40, 41, 43, 45}


def one_text_file(case: Case, folder: Path) -> Path | None:
    """The case's file if it is text in time order of one symbol, else None."""
    given = [Path(name) for name in case.write(folder)]
    is_one = len(given) == 1 and given[0].is_file() and given[0].suffix == ".csv"
    if not is_one or case.number in OUT_OF_ORDER or len(case.symbols) > 1:
        return None
    return given[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_catalogue_file_cut_after_any_line_keeps_the_rows_before(
    case: Case, tmp_path: Path
) -> None:
    path = one_text_file(case, tmp_path)
    if path is None:
        return
    config = data_of(case)
    whole = load_usable_bars(path, config=config, now=NOW)
    lines = path.read_bytes().splitlines(keepends=True)
    # what the whole file settled stays settled: a reader of tomorrow does not guess anew
    config = DataConfig.model_validate(config.model_dump() | dict(whole.settled))
    for n in sorted({len(lines) // 3, len(lines) // 2, 5, 8, 9} & set(range(2, len(lines)))):
        path.write_bytes(b"".join(lines[:n]))
        early = load_usable_bars(path, config=config, now=NOW)
        if whole.frame.height and early.frame.height:  # a file refused whole makes nothing
            last = early.frame["session"].max()
            assert known(whole, last).equals(early.frame), f"after line {n}"  # type: ignore[arg-type]


def test_the_clock_drops_only_the_bar_that_is_not_over() -> None:
    base = BASES["clean"]()
    last = base.filter(pl.col("symbol") == "AAA")["date"][-1]
    before = datetime.combine(last, datetime.min.time()).replace(hour=15, tzinfo=NOW.tzinfo)
    made, early = collect_bars(base, now=NOW), collect_bars(base, now=before)
    rows = made.frame.filter(~((pl.col("symbol") != "CCC.T") & (pl.col("session") == last)))
    assert early.frame.filter(pl.col("symbol") != "CCC.T").equals(
        rows.filter(pl.col("symbol") != "CCC.T")
    )
    assert np.isin(N_ROWS, made.frame.group_by("symbol").len()["len"].to_numpy())
