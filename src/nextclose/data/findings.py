"""A rule of rows, and how the places it hits become findings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cache
from typing import Any, Literal

import numpy as np
import polars as pl

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.suggestions import toml_value
from nextclose.errors import printable, without_secrets
from nextclose.schema import Finding, Ints, Response

N_NAMED = 100  # refusals of one rule named one by one; the rest are counted in the last
N_CHARACTERS = 60  # of a found value, before it is cut
BLOCK = 1 << 18  # rows looked at together
APART = {Issue.UNKNOWN_FORMAT, Issue.LEFT_OUT}  # each names what it is about

Find = Callable[[pl.DataFrame], pl.DataFrame]
Repair = Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]


def without_rows(frame: pl.DataFrame, hits: pl.DataFrame) -> pl.DataFrame:
    """The frame less the rows that were hit."""
    is_hit = pl.int_range(pl.len(), dtype=pl.UInt32).is_in(hits["at"].implode())
    return frame.filter(~is_hit)


def hit_mask(frame: pl.DataFrame, hits: pl.DataFrame) -> pl.Series:
    """Whether each row was hit. Shape (row,)."""
    is_hit = np.zeros(frame.height, dtype=np.bool_)
    is_hit[hits["at"].to_numpy()] = True
    return pl.Series(is_hit)


def all_rows(frame: pl.DataFrame, _hits: pl.DataFrame) -> pl.DataFrame:
    """The frame as it is: what was hit is kept."""
    return frame


@dataclass(frozen=True, slots=True)
class Rule:
    """What is wrong with rows: the finding that it is, how it is found, and the repair.

    `finding` has number, response, rule and cure; SYMBOL, DATE and COLUMN in the cure stand for the
    hit's. `find` maps the rows to its hits: a frame of `at` (position in the frame), `column` and
    `text`, what was found there, perhaps with a `cure` of its own. `repair` maps rows and hits to
    the rows kept. It decides each session from that session and earlier ones alone, because a
    repair that reads the future leaks.
    `per` says what one finding stands for: a hit, the first hit of a symbol, a file or the rule, or
    the whole of a symbol, which no single row tells.
    `setting` names the `[data]` setting that changes the response, `policies` its values: each
    gives another response and repair, or None where the rule does not apply at all.
    """

    finding: Finding
    find: Find
    _: KW_ONLY
    repair: Repair = without_rows
    per: Literal["hit", "symbol", "file", "rule", "whole"] = "hit"
    setting: str = ""
    policies: Mapping[object, tuple[Response, Repair] | None] = field(default_factory=dict)

    def with_settings(self, config: DataConfig) -> Rule | None:
        """The rule as the settings have it; None where they switch it off."""
        value = getattr(config, self.setting) if self.setting else None
        if value not in self.policies:
            return self
        policy = self.policies[value]
        if policy is None:
            return None
        response, repair = policy
        text = f"{self.finding.rule}; data.{self.setting} = {toml_value(value)}"
        finding = replace(self.finding, response=response, rule=text, fix="")
        return replace(self, finding=finding, repair=repair, per="rule")


@cache  # asked for by every rule that finds nothing, and nobody changes a frame
def no_hits() -> pl.DataFrame:
    """An empty frame of hits."""
    return pl.DataFrame(schema={"at": pl.UInt32, "column": pl.String, "text": pl.String})


def hits_where(
    frame: pl.DataFrame, bad: pl.Expr, *, text: pl.Expr, column: str = ""
) -> pl.DataFrame:
    """Hits where `bad` holds (null counts as not bad), each with what `text` is there."""
    bad = bad.fill_null(value=False)
    if not frame.select(bad.any()).item():
        return no_hits()
    # `text` may speak of the row before, so it is worked out on all rows, then filtered
    shown = text.cast(pl.String).fill_null("an empty cell")
    rows = frame.with_row_index("at").with_columns(shown.alias("text"))
    return rows.filter(bad).select("at", pl.lit(column).alias("column"), "text")


def hits_at(rows: Ints, text: Sequence[str] | pl.Series, *, column: str = "") -> pl.DataFrame:
    """Hits on the rows at these positions, with the text of each."""
    if not len(rows):
        return no_hits()
    hits = pl.DataFrame({"at": rows, "text": text}, schema_overrides={"at": pl.UInt32})
    return hits.select("at", pl.lit(column).alias("column"), pl.col("text").cast(pl.String))


def cell_hits(
    frame: pl.DataFrame, columns: Iterable[str], bad: Callable[[pl.Expr], pl.Expr]
) -> pl.DataFrame:
    """Hits in those of `columns` that are there, each showing the cell's own value."""
    present = [name for name in columns if name in frame.columns]

    def find(rows: pl.DataFrame) -> pl.DataFrame:
        hits = [hits_where(rows, bad(pl.col(c)), text=pl.col(c), column=c) for c in present]
        hits = [part for part in hits if part.height]
        return pl.concat(hits).sort("at", maintain_order=True) if hits else no_hits()

    return hits_by_block(frame.select(present), find)


def hits_by_block(frame: pl.DataFrame, find: Find) -> pl.DataFrame:
    """Hits of a check that looks at single rows, made on some rows at a time to spare memory."""
    hits = []
    for start in range(0, frame.height, BLOCK):
        block = find(frame[start : start + BLOCK])
        if block.height:
            hits.append(block.with_columns(pl.col("at") + start))
    return pl.concat(hits) if hits else no_hits()


def safe_text(text: str) -> str:
    """Foreign text fit for a message: control and bidirectional characters escaped, cut at 60."""
    safe = printable(without_secrets(text)[: N_CHARACTERS + 1])  # cut, one is not known for it
    return safe if len(safe) <= N_CHARACTERS else safe[: N_CHARACTERS - 1] + "…"


def rule_findings(
    rule: Rule, frame: pl.DataFrame, hits: pl.DataFrame, paths: Sequence[str]
) -> list[Finding]:
    """Findings of one rule in the order of its hits; `paths[part]` names the file of a row.

    Expects: columns part, row, symbol, session in `frame`; at least one hit.
    """
    where = frame.select("part", "row", "symbol", "session")[hits["at"]]
    rows = pl.concat([hits, where], how="horizontal").with_columns(pl.lit(1).alias("count"))
    key = {"symbol": "symbol", "file": "part"}.get(rule.per)
    if key is not None:
        rows = rows.with_columns(pl.len().over(key).alias("count"))
        rows = rows.unique(key, keep="first", maintain_order=True)
    if rule.per == "rule":  # the earliest in time: no later bar can move it
        rows = rows.sort("session", maintain_order=True)
    n_most = n_named(rule)
    named = [_finding_of_row(rule, row, paths) for row in rows.head(n_most).iter_rows(named=True)]
    n_more = int(rows["count"][n_most:].sum())
    return [*named[:-1], replace(named[-1], count=named[-1].count + n_more)]


def n_named(rule: Rule) -> int:
    """How many findings a rule makes at most; the last one counts the other hits."""
    return 1 if rule.per == "rule" else N_NAMED


def _finding_of_row(rule: Rule, row: Mapping[str, Any], paths: Sequence[str]) -> Finding:
    symbol = safe_text(row["symbol"] or "")
    session = "" if row["session"] is None else str(row["session"])
    is_whole = rule.per == "whole"
    cure = row.get("cure") or rule.finding.fix
    cure = cure.replace("SYMBOL", symbol).replace("DATE", session)
    if '["TEXT"]' in cure:
        texts = [
            *DataConfig().missing,
            row["text"],
        ]  # a list in the settings replaces the usual one
        cure = cure.replace('["TEXT"]', toml_value(texts))
    return replace(
        rule.finding,
        found=safe_text(row["text"]),
        fix=re.sub(r"\bCOLUMN\b", lambda _: row["column"], cure),  # COLUMNS is the user's
        path=paths[row["part"]],
        row=None if is_whole else row["row"],
        column=row["column"],
        symbol=symbol,
        session="" if is_whole else session,
        count=row["count"],
    )


def merge_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding per code and column, the earliest in time, with the counts of all.

    Refusals stay apart, and what names all that was passed over or left out. One without a session
    is before all others.
    """
    merged: dict[tuple[object, ...], Finding] = {}
    for k, finding in enumerate(findings):
        is_apart = finding.response == "E" or finding.number in APART
        key = (k,) if is_apart else (finding.code, finding.column)
        old = merged.get(key, finding)
        first = finding if finding.session < old.session else old  # "" is before any date
        n = finding.count + (old.count if key in merged else 0)
        merged[key] = replace(first, count=n)
    return tuple(merged.values())
