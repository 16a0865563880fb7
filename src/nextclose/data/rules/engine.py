"""The rules obeyed one after the other, some symbols at a time to spare memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from nextclose.config import DataConfig
from nextclose.data.findings import Rule, n_named, no_hits, rule_findings
from nextclose.schema import Finding

AT_ONCE = 1 << 18  # rows judged together, but for a symbol that has more


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one rule found, its first `n_named` hits named, the rest counted in the last of them."""

    findings: Sequence[Finding] = ()
    n_named: int


Judged = tuple[pl.DataFrame, list[Told]]


def obeyed(
    frame: pl.DataFrame, rules: Sequence[Rule], paths: Sequence[str], config: DataConfig
) -> Judged:
    """The rows that obey the rules, or were brought to; and for each rule in force what did not."""
    told: list[Told] = []
    for rule in filter(None, (rule.with_settings(config) for rule in rules)):
        hits = rule.find(frame) if frame.height else no_hits()
        findings = rule_findings(rule, frame, hits, paths) if hits.height else []
        told.append(Told(findings=findings, n_named=n_named(rule)))
        frame = rule.repair(frame, hits) if hits.height else frame
    return frame, told


def by_symbols(frame: pl.DataFrame, *, n_at_once: int = AT_ONCE) -> Iterator[pl.DataFrame]:
    """The rows cut where a symbol ends, some `n_at_once` to a piece; at least one piece.

    Expects: rows sorted by symbol.
    """
    ends = np.cumsum(frame["symbol"].rle().struct.field("len").to_numpy())
    start = 0
    while start < frame.height or start == 0:
        last = np.searchsorted(ends, min(start + n_at_once, frame.height))
        stop = int(ends[last]) if frame.height else 1
        yield frame[start:stop].rechunk()
        start = stop


def together(pieces: Iterable[Judged]) -> Judged:
    """Rows judged in pieces, and what each rule found, as if it had seen all rows at once.

    Expects: pieces of `by_symbols`, in order, all judged by the same rules.
    """
    kept, told = zip(*pieces, strict=True)
    frames = list(kept)
    del kept
    return _below_each_other(frames), [_as_one(found) for found in zip(*told, strict=True)]


def _below_each_other(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """The frames as one, emptied column by column, so that only one column is there twice.

    Symbols, the largest column, are written anew from their runs, and so never there twice.
    """
    columns = []
    for name in frames[0].columns:
        pieces = (frame.drop_in_place(name) for frame in frames)
        columns.append(_from_runs(pieces) if name == "symbol" else pl.concat(pieces, rechunk=True))
    return pl.DataFrame(columns)


def _from_runs(pieces: Iterable[pl.Series]) -> pl.Series:
    runs = pl.concat([piece.rle() for piece in pieces]).struct.unnest()
    place = np.repeat(np.arange(len(runs), dtype=np.uint32), runs["len"].to_numpy())
    return runs["value"].gather(pl.Series(place)).alias("symbol")


def _as_one(pieces: Sequence[Told]) -> Told:
    """One rule's findings as if it had seen all rows at once."""
    n_most = pieces[0].n_named
    findings = [finding for piece in pieces for finding in piece.findings]
    if n_most == 1:
        findings.sort(key=lambda finding: finding.session)  # the earliest in time is named
    named, last = findings[: n_most - 1], findings[n_most - 1 : n_most]
    n_more = sum(finding.count for finding in findings[n_most:])
    named += [replace(finding, count=finding.count + n_more) for finding in last]
    return Told(findings=named, n_named=n_most)
