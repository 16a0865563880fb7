"""Validated daily bars: files and frames joined, the rules applied, every problem named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from nextclose.data.columns import OPTIONAL, Basis, Part, part_of
from nextclose.data.findings import Rule, merged, rule_findings
from nextclose.data.repair import adjusted
from nextclose.data.rules import CELL_RULES, SERIES_RULES
from nextclose.data.series import is_in_order
from nextclose.errors import DataError, NotEnoughDataError
from nextclose.schema import BAR_COLUMNS, Bars, Finding

_NO_ROWS_SCHEMA = {
    "symbol": pl.String(),
    "session": pl.Date(),
    "close": pl.Float64(),
    "part": pl.Int32(),
    "row": pl.Int64(),
}
NO_ROWS = Finding(
    number=3,
    response="E",
    found="0 data rows",
    rule="at least one complete bar",
    fix="give a file with prices.",
)


def validated_bars(
    frame: pl.DataFrame, *, path: str = "", rows: pl.Series | None = None, symbol: str = ""
) -> Bars:
    """Bars of a frame with any common column names, or every reason why not.

    `rows` numbers the rows for messages (default: 1, 2, ...); `symbol` is for a frame without one.
    NaN: a row with an empty price or volume is a missing row, counted; nothing is filled in.
    Causal: each row kept, dropped or changed is decided from rows up to its session.
    Raises: DataError with all findings that refuse, in file order.
    """
    return sound(collected_bars(frame, path=path, rows=rows, symbol=symbol))


def collected_bars(
    frame: pl.DataFrame, *, path: str = "", rows: pl.Series | None = None, symbol: str = ""
) -> Bars:
    """As `validated_bars`, but rows that must be refused are left out and named in `findings`.

    For the leak audit, whose perturbed worlds hold bars that no file should.
    """
    if rows is None:
        rows = pl.int_range(1, frame.height + 1, eager=True)
    return assembled([part_of(frame, path=path, rows=rows, symbol=symbol)])


def assembled(parts: Sequence[Part]) -> Bars:
    """The parts as one set of bars; refusals stand first among its findings, in file order.

    A column that one part lacks is left out of all: it cannot be half there.
    """
    paths = [part.path for part in parts]
    notes = [finding for part in parts for finding in part.findings]
    frame = _joined(parts)
    frame, found = _obeyed(frame, CELL_RULES, paths)
    if not is_in_order(frame):
        frame = frame.sort("symbol", "session", maintain_order=True)
    frame, more = _obeyed(frame, SERIES_RULES, paths)
    findings = _ordered([*notes, *found, *more], paths)
    if not frame.height and not any(finding.response == "E" for finding in findings):
        findings = (replace(NO_ROWS, path=paths[0]), *findings)
    bases = {part.basis for part in parts if part.frame is not None}
    basis: Basis = bases.pop() if len(bases) == 1 else "unknown"
    frame = adjusted(frame)
    if "close_raw" in frame.columns:
        frame = frame.with_columns(pl.col("close_raw").fill_null(pl.col("close")))
    columns = [name for name in (*BAR_COLUMNS, "close_raw") if name in frame.columns]
    return Bars(frame=frame.select(columns), findings=findings, basis=basis)


def _joined(parts: Sequence[Part]) -> pl.DataFrame:
    """All rows in file order, `part` telling the file."""
    frames = {k: part.frame for k, part in enumerate(parts) if part.frame is not None}
    if not frames:
        return pl.DataFrame(schema=_NO_ROWS_SCHEMA)
    half = {c for c in OPTIONAL if any(c not in frame.columns for frame in frames.values())}
    has_adjusted = any("adj_close" in frame.columns for frame in frames.values())
    ready = []
    for k, frame in frames.items():
        if has_adjusted and "adj_close" not in frame.columns:  # taken as it is: ratio 1
            frame = frame.with_columns(pl.col("close").alias("adj_close"))
        left_out = [c for c in frame.columns if c.removesuffix("_text") in half]
        ready.append(frame.drop(left_out).with_columns(pl.lit(k).alias("part")))
    return pl.concat(ready, how="diagonal")


def _obeyed(
    frame: pl.DataFrame, rules: Sequence[Rule], paths: Sequence[str]
) -> tuple[pl.DataFrame, list[Finding]]:
    """The rows that obey the rules, or were brought to; and a finding for each that did not."""
    findings: list[Finding] = []
    for rule in rules:
        hits = rule.find(frame)
        if hits.height:
            findings += rule_findings(rule, frame, hits, paths)
            frame = rule.mend(frame, hits)
    return frame, findings


def _ordered(findings: Sequence[Finding], paths: Sequence[str]) -> tuple[Finding, ...]:
    """Refusals by file and row, then the rest in the order of the rules."""
    position = {path: k for k, path in reversed(list(enumerate(paths)))}
    refusals = [finding for finding in findings if finding.response == "E"]
    refusals.sort(key=lambda finding: (position[finding.path], finding.row or 0))
    return merged([*refusals, *(finding for finding in findings if finding.response != "E")])


def sound(bars: Bars) -> Bars:
    """The same bars if nothing in them must be refused. Raises: DataError otherwise."""
    refusals = tuple(finding for finding in bars.findings if finding.response == "E")
    if refusals:
        raise DataError(refusals)
    return bars


def with_short_symbols_named(bars: Bars, *, needed: int) -> Bars:
    """The same rows, with a finding (W66) for each symbol of fewer than `needed` sessions.

    The rows stay: whether a symbol lives on is not known when a model is fitted, so leaving it out
    by the length of its whole file would let the future decide who is learnt from.
    Raises: NotEnoughDataError if no symbol has enough.
    """
    counts = bars.frame.group_by("symbol").len().sort("symbol")
    short = counts.filter(pl.col("len") < needed)
    if short.height == counts.height:
        most = int(counts["len"].max() or 0)  # type: ignore[arg-type]
        raise NotEnoughDataError(
            f"expected at least {needed} sessions of one symbol, found {most}. "
            "Fix: give a longer history, or ask for less: shorter horizons or fewer folds.",
            needed=needed,
            found=most,
        )
    findings = tuple(
        Finding(
            number=66,
            response="W",
            found=f"{n} sessions, {needed} needed for a forecast",
            rule="symbols with too little history get none",
            fix="give a longer history.",
            symbol=symbol,
        )
        for symbol, n in short.iter_rows()
    )
    return replace(bars, findings=(*bars.findings, *findings)) if findings else bars
