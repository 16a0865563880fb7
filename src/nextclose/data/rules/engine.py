"""The rules applied one after the other, some symbols at a time to spare memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.findings import Rule, n_named, no_hits, rule_findings
from nextclose.schema import Finding

OF_HISTORIES = {  # refusals that rows which are not there can bring about
    *(Issue.NO_ROWS, Issue.NOT_DAILY, Issue.MISSING_SESSIONS, Issue.INCOMPLETE_BAR),
    *(Issue.SPLIT, Issue.UNIT_FLIP, Issue.CONSTANT_CLOSE, Issue.TWIN_SYMBOLS),
}
BATCH_ROWS = 1 << 18  # rows checked together, but for a symbol that has more


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFindings:
    """Findings of one rule: its first `n_named` hits, the rest counted in the last of them.

    `refused`: each symbol with a row that the rule refuses -> the code.
    """

    findings: Sequence[Finding] = ()
    n_named: int
    refused: Mapping[str, str] = field(default_factory=dict)


CheckedRows = tuple[pl.DataFrame, list[RuleFindings]]


def apply_rules(
    frame: pl.DataFrame,
    rules: Sequence[Rule],
    paths: Sequence[str],
    config: DataConfig,
    *,
    refused: Collection[str] = (),
) -> CheckedRows:
    """The rows as the rules keep or repair them, and the findings of each rule in force.

    Of symbols in `refused`, some of whose rows are not there, a refusal says nothing that reads a
    whole history: it would follow from the rows that are missing.
    """
    results: list[RuleFindings] = []
    for rule in filter(None, (rule.with_settings(config) for rule in rules)):
        hits = rule.find(frame) if frame.height else no_hits()
        is_refusal = rule.finding.response == "E"
        told = hits
        if hits.height and is_refusal and refused and rule.finding.number in OF_HISTORIES:
            is_known = frame["symbol"].gather(hits["at"]).is_in(list(refused))
            told = hits.filter(~is_known)
        findings = rule_findings(rule, frame, told, paths) if told.height else []
        names = _names(frame, told) if is_refusal else ()
        results.append(
            RuleFindings(
                findings=findings,
                n_named=n_named(rule),
                refused=dict.fromkeys(names, rule.finding.code),
            )
        )
        frame = rule.repair(frame, hits) if hits.height else frame
    return frame, results


def refused_symbols(results: Iterable[RuleFindings]) -> dict[str, str]:
    """Each symbol with a refused row, and the code of the first rule that refuses one."""
    refused: dict[str, str] = {}
    for rule in results:
        refused = {**rule.refused, **refused}
    return refused


def _names(frame: pl.DataFrame, hits: pl.DataFrame) -> list[str]:
    if not hits.height:
        return []
    return frame["symbol"].gather(hits["at"]).fill_null("").unique(maintain_order=True).to_list()


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
    return RuleFindings(findings=named, n_named=n_most, refused=refused_symbols(batches))
