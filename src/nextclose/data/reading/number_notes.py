"""What is said of numbers that a file writes in its own way: once for each way, with its count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.dates import date_texts
from nextclose.data.reading.numeric import ParsedNumbers, UnsettledMarks
from nextclose.schema import Finding

NOTES = {  # why a cell was read that is no plain number -> the finding
    "decimal": Issue.DECIMAL_MARK.finding(response="R", rule="numbers; read with a decimal comma"),
    "thousands": Issue.THOUSANDS_MARK.finding(
        response="R", rule="numbers; read without the mark between thousands"
    ),
    "currency": Issue.NOT_A_NUMBER.finding(
        response="R", rule="numbers; read without the currency that stands at each"
    ),
    "point": Issue.NOT_A_NUMBER.finding(
        response="W", rule="a point alone means that there is none"
    ),
    "short": Issue.ODD_VOLUME.finding(
        response="R", rule="whole volumes; read as so many thousands, millions or billions"
    ),
    "whole": Issue.ODD_VOLUME.finding(response="R", rule="whole volumes; read as whole numbers"),
    "fraction": Issue.ODD_VOLUME.finding(response="R", rule="whole volumes; the fraction is kept"),
}


def number_notes(
    numbers: Mapping[str, ParsedNumbers], frame: pl.DataFrame, typed: pl.DataFrame, *, path: str
) -> list[Finding]:
    """Rules 9, 10, 27 and 31 where they repair: the first place of each way, and its count."""
    notes = []
    for why, note in NOTES.items():
        hits = {
            name: parsed.respelt[why] for name, parsed in numbers.items() if why in parsed.respelt
        }
        for name, is_hit in list(hits.items())[:1]:
            first = replace(note, fix="", path=path, column=name)
            n_all = sum(int(mask.sum()) for mask in hits.values())
            notes += [
                replace(told, count=n_all) for told in at_first(typed, is_hit, frame[name], first)
            ]
    return notes


def unsettled_marks(unsettled: UnsettledMarks, frame: pl.DataFrame, *, path: str) -> Finding:
    """Rule 10 for a file of two readings, rule 9 for one that the settings do not fit."""
    cures = []
    for form in unsettled.fitting:
        other = "," if form.decimal == "." else "."
        thousands = form.thousands or other
        cures.append(f'data.decimal = "{form.decimal}" and data.thousands = "{thousands}"')
    issue = Issue.THOUSANDS_MARK if len(cures) > 1 else Issue.DECIMAL_MARK
    return issue.finding(
        safe_text(frame[unsettled.column].cast(pl.String)[unsettled.at] or ""),
        fix=f"set {', or '.join(cures)}.",
        path=path,
        row=frame["row"][unsettled.at],
        column=unsettled.column,
        count=unsettled.n_cells,
    )


def at_first(
    typed: pl.DataFrame, is_hit: pl.Series, cells: pl.Series, note: Finding
) -> list[Finding]:
    """The note with the first of its places and their count."""
    at = is_hit.arg_max()
    if at is None or not is_hit[at]:
        return []
    row = typed.select("row", "symbol", "session").row(at, named=True)
    place = {
        "row": row["row"],
        "symbol": safe_text(row["symbol"] or ""),
        "session": "" if row["session"] is None else str(row["session"]),
    }
    found = safe_text(date_texts(cells)[at] or "")
    return [replace(note, **place, found=found, count=int(is_hit.sum()))]
