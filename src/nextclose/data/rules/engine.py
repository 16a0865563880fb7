"""The rules applied one after the other, some symbols at a time to spare memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from nextclose.config import DataConfig
from nextclose.data.findings import Rule, n_named, no_hits, rule_findings
from nextclose.schema import Finding

BATCH_ROWS = 1 << 18  # rows checked together, but for a symbol that has more


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFindings:
    """Findings of one rule: its first `n_named` hits, the rest counted in the last of them."""

    findings: Sequence[Finding] = ()
    n_named: int


CheckedRows = tuple[pl.DataFrame, list[RuleFindings]]


def apply_rules(
    frame: pl.DataFrame, rules: Sequence[Rule], paths: Sequence[str], config: DataConfig
) -> CheckedRows:
    """The rows as the rules keep or repair them, and the findings of each rule in force."""
    results: list[RuleFindings] = []
    for rule in filter(None, (rule.with_settings(config) for rule in rules)):
        hits = rule.find(frame) if frame.height else no_hits()
        findings = rule_findings(rule, frame, hits, paths) if hits.height else []
        results.append(RuleFindings(findings=findings, n_named=n_named(rule)))
        frame = rule.repair(frame, hits) if hits.height else frame
    return frame, results


def symbol_batches(frame: pl.DataFrame, *, n_rows: int = BATCH_ROWS) -> Iterator[pl.DataFrame]:
    """The rows cut where a symbol ends, some `n_rows` to a batch; at least one batch.

    Expects: rows sorted by symbol.
    """
    ends = np.cumsum(frame["symbol"].rle().struct.field("len").to_numpy())
    start = 0
    while start < frame.height or start == 0:
        last = np.searchsorted(ends, min(start + n_rows, frame.height))
        stop = int(ends[last]) if frame.height else 1
        yield frame[start:stop].rechunk()
        start = stop


def concat_batches(batches: Iterable[CheckedRows]) -> CheckedRows:
    """Rows checked in batches, and each rule's findings, as if it had seen all rows at once.

    Expects: batches of `symbol_batches`, in order, all checked by the same rules.
    """
    rows, results = zip(*batches, strict=True)
    frames = list(rows)
    del rows
    return _vertical_concat(frames), [_total(of_rule) for of_rule in zip(*results, strict=True)]


def _vertical_concat(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """The frames as one, emptied column by column, so that only one column is there twice.

    Symbols, the largest column, are written anew from their runs, and so never there twice.
    """
    columns = []
    for name in frames[0].columns:
        pieces = (frame.drop_in_place(name) for frame in frames)
        columns.append(
            _symbols_of_runs(pieces) if name == "symbol" else pl.concat(pieces, rechunk=True)
        )
    return pl.DataFrame(columns)


def _symbols_of_runs(pieces: Iterable[pl.Series]) -> pl.Series:
    runs = pl.concat([piece.rle() for piece in pieces]).struct.unnest()
    place = np.repeat(np.arange(len(runs), dtype=np.uint32), runs["len"].to_numpy())
    return runs["value"].gather(pl.Series(place)).alias("symbol")


def _total(batches: Sequence[RuleFindings]) -> RuleFindings:
    """One rule's findings as if it had seen all rows at once."""
    n_most = batches[0].n_named
    findings = [finding for batch in batches for finding in batch.findings]
    if n_most == 1:
        findings.sort(key=lambda finding: finding.session)  # the earliest in time is named
    named, last = findings[: n_most - 1], findings[n_most - 1 : n_most]
    n_more = sum(finding.count for finding in findings[n_most:])
    named += [replace(finding, count=finding.count + n_more) for finding in last]
    return RuleFindings(findings=named, n_named=n_most)
