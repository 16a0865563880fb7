"""A column called as an adjusted close: whether its cells are one, in every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.suggestions import columns_setting
from nextclose.schema import Finding

FLAGS = ("0", "1", "0.0", "1.0", "true", "false", "yes", "no", "y", "n", "t", "f")


def without_flags(
    frame: pl.DataFrame, names: Mapping[str, str], missing: Sequence[str], *, path: str
) -> tuple[dict[str, str], list[Finding]]:
    """The names less an adjusted close beside a close that holds no price in any row; and that.

    Such a column is empty (a cell of `missing` is), or says yes or no.
    """
    name = next((theirs for theirs, ours in names.items() if ours == "adj_close"), None)
    if name is None or "close" not in names.values() or not frame.height:
        return dict(names), []
    cells = frame[name].unique().cast(pl.String, strict=False).str.strip_chars()
    held = [cell for cell in cells.drop_nulls() if cell and cell not in missing]
    if not all(cell.lower() in (*FLAGS, "nan") for cell in held):
        return dict(names), []
    note = Issue.MISSING_COLUMN.finding(
        f"{safe_text(', '.join(sorted(held)))} in each row" if held else "no value in any row",
        response="W",
        rule="prices in an adjusted close; the close beside it is read",
        path=path,
        column=safe_text(name),
    )
    return {theirs: ours for theirs, ours in names.items() if theirs != name}, [note]


def may_hold_prices(column: pl.Series) -> bool:
    """Whether a column has cells of digits, and other ones than a flag's."""
    if not (column.dtype.is_numeric() or column.dtype == pl.String):
        return False
    cells = column.unique().cast(pl.String).str.strip_chars().drop_nulls()
    cells = cells.filter(cells.str.contains(r"\d"))
    return not cells.is_in(FLAGS).all() if len(cells) else False


def adjusted_closes_missing(
    typed: pl.DataFrame, names: Mapping[str, str], *, path: str
) -> list[Finding]:
    """Rule 26: rows whose close has no adjusted one beside it, where others have.

    `typed` has our columns; a cell of text that could not be read is another matter.
    """
    if not {"close", "adj_close"} <= {*typed.columns}:
        return []
    is_empty = pl.col("adj_close").is_null() | (pl.col("adj_close") == 0)
    if "adj_close_text" in typed.columns:
        is_empty &= pl.col("adj_close_text").is_null()
    hits = typed.filter((pl.col("close") > 0) & is_empty)
    if not hits.height:
        return []
    name = next(theirs for theirs, ours in names.items() if ours == "adj_close")
    return [
        Issue.TWO_CLOSES.finding(
            f"a close without an adjusted one in {hits.height} of {typed.height} rows",
            response="E",
            rule="an adjusted close in every row that has a close",
            fix=f"give it, or set {columns_setting({name: ''})} to read the other close alone.",
            path=path,
            row=hits["row"][0],
            column=safe_text(name),
            count=hits.height,
        )
    ]
