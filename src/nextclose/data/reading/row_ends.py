"""Rows that end too early or too late: of another length than the header, or cut short."""

from __future__ import annotations

import re

import polars as pl

from nextclose.data.catalogue import Issue
from nextclose.data.findings import N_NAMED, safe_text
from nextclose.errors import Finding


def uneven_rows(
    places: list[tuple[int, int]], text: bytes, n_fields: int, path: str
) -> list[Finding]:
    """Rules 12 and 11: rows with more or fewer fields than the header; a last line cut short."""
    last = text.count(b"\n") + 1 if not text.endswith(b"\n") else 0
    n_unnamed = max(len(places) - N_NAMED, 0)
    findings = []
    for k, (row, n) in enumerate(places[:N_NAMED]):
        is_cut = row == last and n < n_fields
        issue = Issue.CUT_LAST_LINE if is_cut else Issue.UNEVEN_ROW
        finding = issue.finding(
            f"{n} field{'s' if n > 1 else ''}{' and no line end' if is_cut else ''}",
            rule=f"{n_fields} fields as in the header",
            path=path,
            row=row,
            count=1 + (n_unnamed if k == N_NAMED - 1 else 0),
        )
        findings.append(finding)
    return findings


def cut_number(text: bytes, frame: pl.DataFrame, places: pl.Series, path: str) -> list[Finding]:
    """Rule 11: a last line without its end that stops at a decimal mark, as no other cell does."""
    last = text.count(b"\n") + 1
    if text.endswith(b"\n") or not frame.height or places[-1] != last:
        return []
    *cells, cut = frame[:, -1].str.strip_chars().fill_null("")
    if not re.search(r"\d[.,]$", cut) or any(cell.endswith(cut[-1]) for cell in cells):
        return []
    finding = Issue.CUT_LAST_LINE.finding(
        f"{safe_text(cut)} and no line end",
        rule="digits behind the mark, as in the rows above",
        path=path,
        row=last,
        column=safe_text(frame.columns[-1]),
    )
    return [finding]
