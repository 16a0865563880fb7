"""Faults put at known places of adjusted prices: what is found, missed, told of sound ones.

No limit and no peer: not a speed claim. A panel of US stocks (symbol, session, open, high, low,
close, volume; not part of this project) is loaded as it is, and once for each kind of fault, put
into 48 symbols of either half, one place each, all other symbols sound. The halves are told by a
checksum of the symbol: thresholds may be tuned on the even half, the odd one is for the figures.

A fault is `refused` where an E names its symbol (and its day, if it has one), else `told` where its
row is marked, or where its symbol loaded alone has more findings than without the fault; else
`missed`. `false` counts refusals of anything else.

    python benchmarks/fault_injection.py PANEL.parquet [--write]
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl

from nextclose.data.bars import assemble_bars
from nextclose.data.calendars.sessions import sessions_after
from nextclose.data.finding_counts import finding_counts
from nextclose.data.reading.prices import unchecked_prices
from nextclose.schema import MASK_COLUMNS, Bars, Finding

RESULT = Path(__file__).parent / "results" / "fault_injection.json"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
N_SYMBOLS = 48  # of each half, for each kind: a rule names its first hundred refusals
N_BEFORE, N_AFTER = 260, 30  # rows around a fault
PRICES = ("open", "high", "low", "close")
HALVES = ("even", "odd")

Frame = pl.DataFrame
Change = Callable[[Frame, int], Frame]  # one symbol's rows with a fault at a row


def unchanged(rows: Frame, _at: int) -> Frame:
    """No fault."""
    return rows


def split(ratio: float) -> Change:
    """Prices and volumes before the row as they were traded: nobody adjusted them."""

    def change(rows: Frame, at: int) -> Frame:
        before = pl.int_range(pl.len()) < at
        scaled = [pl.when(before).then(pl.col(c) * ratio).otherwise(c).alias(c) for c in PRICES]
        volume = pl.when(before).then((pl.col("volume") / ratio).round()).otherwise("volume")
        return rows.with_columns(*scaled, volume.cast(pl.Int64).alias("volume"))

    return change


def tick(factor: float) -> Change:
    """One bar whose decimal point slipped."""

    def change(rows: Frame, at: int) -> Frame:
        is_it = pl.int_range(pl.len()) == at
        return rows.with_columns(
            pl.when(is_it).then(pl.col(c) * factor).otherwise(c).alias(c) for c in PRICES
        )

    return change


def contradiction(rows: Frame, at: int) -> Frame:
    """A high 3 % below the close."""
    is_it = pl.int_range(pl.len()) == at
    return rows.with_columns(
        pl.when(is_it).then(0.97 * pl.col("close")).otherwise("high").alias("high")
    )


def a_day_early(rows: Frame, _at: int) -> Frame:
    """All dates a day early, as midnights of a zone east of Greenwich written in UTC."""
    return rows.with_columns(pl.col("session").dt.offset_by("-1d"))


def of_london(rows: Frame, _at: int) -> Frame:
    """As many sessions of London from the same day on, under a symbol of New York."""
    first: date = rows["session"][0]
    return rows.with_columns(
        pl.Series("session", sessions_after(first, rows.height, exchange="XLON"))
    )


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of fault: how it is made, what is read, and whether it has a day of its own."""

    change: Change
    columns: tuple[str, ...] = (*PRICES, "volume")
    is_adjusted: bool = False  # told by the source
    has_day: bool = True


SOUND: Mapping[str, Kind] = {
    "basis unknown": Kind(change=unchanged),
    "said to be adjusted": Kind(change=unchanged, is_adjusted=True),
}
KINDS: Mapping[str, Kind] = {
    "2:1 split": Kind(change=split(2)),
    "3:2 split": Kind(change=split(1.5)),
    "1:12 split": Kind(change=split(1 / 12)),
    "2:1 split, closes alone": Kind(change=split(2), columns=("close",)),
    "2:1 split, said to be adjusted": Kind(change=split(2), is_adjusted=True),
    "1:12 split, said to be adjusted": Kind(change=split(1 / 12), is_adjusted=True),
    "ten-fold tick": Kind(change=tick(10)),
    "tick of a tenth": Kind(change=tick(0.1)),
    "high below close": Kind(change=contradiction),
    "dates a day early": Kind(change=a_day_early, has_day=False),
    "dates of London": Kind(change=of_london, has_day=False),
}


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the faults of one kind in one half."""

    refused: int = 0
    told: int = 0
    missed: int = 0
    codes: Counter[str] = field(default_factory=Counter)


def half_of(symbol: str) -> str:
    """Which half a symbol is in, as nothing about the stock tells."""
    return HALVES[zlib.crc32(symbol.encode()) % 2]


def bars_of(frame: Frame, kind: Kind) -> Bars:
    """The rows as a file of that kind's columns gives them; refusals are among the findings."""
    names = {"session": "date"} | ({"close": "adj_close"} if kind.is_adjusted else {})
    rows = frame.select("symbol", "session", *kind.columns).rename(names)
    number = pl.int_range(1, rows.height + 1, eager=True)
    return assemble_bars([unchecked_prices(rows, path="panel", rows=number)], now=NOW)


def refusals(bars: Bars) -> list[Finding]:
    """The E among the findings."""
    return [finding for finding in bars.findings if finding.response == "E"]


def chosen_rows(panel: Mapping[str, Frame], *, seed: int) -> dict[str, int]:
    """48 symbols of each half, and a row of each."""
    draw = np.random.default_rng(seed)
    rows = {}
    for half in HALVES:
        names = [name for name in panel if half_of(name) == half]
        for name in draw.choice(names, N_SYMBOLS, replace=False):
            rows[str(name)] = int(draw.integers(N_BEFORE, panel[name].height - N_AFTER))
    return rows


def tallies(panel: Mapping[str, Frame], kind: Kind, *, seed: int) -> tuple[dict[str, Tally], int]:
    """What became of the faults, by half; and the refusals of what is sound."""
    rows = chosen_rows(panel, seed=seed)
    wrong = {name: kind.change(panel[name], at) for name, at in rows.items()}
    bars = bars_of(pl.concat([wrong.get(name, sound) for name, sound in panel.items()]), kind)
    days = {name: str(wrong[name]["session"][at]) for name, at in rows.items()}
    by_symbol: dict[str, set[str]] = {}
    n_false = 0
    for finding in refusals(bars):
        own_day = days.get(finding.symbol, "")
        is_it = finding.symbol in rows and (not kind.has_day or finding.session == own_day)
        n_false += not is_it
        if is_it:
            by_symbol.setdefault(finding.symbol, set()).add(finding.code)
    marked = bars.frame.filter(pl.any_horizontal(*MASK_COLUMNS)).select("symbol", "session").rows()
    is_marked = {(symbol, str(session)) for symbol, session in marked}
    counted = {half: Tally() for half in HALVES}
    for name in rows:
        tally = counted[half_of(name)]
        codes = by_symbol.get(name, set())
        if codes:
            tally.refused += 1
        else:
            codes = new_codes(panel[name], wrong[name], kind)
            if codes or (name, days[name]) in is_marked:
                tally.told += 1
            else:
                tally.missed += 1
        tally.codes.update(codes)
    return counted, n_false


def new_codes(sound: Frame, wrong: Frame, kind: Kind) -> set[str]:
    """Codes that a symbol loaded alone has more of with its fault than without."""
    before, after = (finding_counts(bars_of(rows, kind).findings) for rows in (sound, wrong))
    return {code for code, n in after.items() if n > before.get(code, 0)}


def main() -> None:
    """Load the panel as it is, then with each kind of fault; a card and one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("panel", type=Path)
    parser.add_argument("--write", action="store_true", help="keep the result")
    arguments = parser.parse_args()
    frame = pl.read_parquet(arguments.panel).sort("symbol", "session")
    frame = frame.with_columns(pl.col(c).cast(pl.Float64) for c in PRICES)
    panel = {str(key[0]): rows for key, rows in frame.group_by("symbol", maintain_order=True)}
    result: dict[str, object] = {
        "bench": "fault_injection",
        "symbols": len(panel),
        "rows": frame.height,
        "injected_each_half": N_SYMBOLS,
    }
    sound: dict[str, object] = {}
    for name, kind in SOUND.items():
        bars = bars_of(frame, kind)
        told = [f"{f.code} {f.symbol} {f.session}" for f in refusals(bars)]
        sound[name] = {"refused": told, "counts": finding_counts(bars.findings)}
        print(f"sound, {name}: {len(told)} refused {told}; {finding_counts(bars.findings)}")
    result["sound"] = sound
    print(
        f"{'kind':33s} {'half':5s} {'refused':>8s} {'told':>5s} {'missed':>7s} {'false':>6s} codes"
    )
    for seed, (name, kind) in enumerate(KINDS.items()):
        counted, n_false = tallies(panel, kind, seed=seed)
        by_half: dict[str, object] = {"false": n_false}
        for half, tally in counted.items():
            codes = dict(sorted(tally.codes.items()))
            by_half[half] = {
                "refused": tally.refused,
                "told": tally.told,
                "missed": tally.missed,
                "codes": codes,
            }
            n = (tally.refused, tally.told, tally.missed, n_false)
            print(f"{name:33s} {half:5s} {n[0]:8d} {n[1]:5d} {n[2]:7d} {n[3]:6d} {codes}")
        result[name] = by_half
    if arguments.write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
