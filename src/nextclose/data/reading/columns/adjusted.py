"""A column called as an adjusted close: whether its cells are one, in every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.suggestions import columns_setting, toml_value
from nextclose.schema import Finding

YES = ("1", "1.0", "true", "yes", "y", "t")
FLAGS = (*YES, "0", "0.0", "false", "no", "n", "f")


def without_flags(
    frame: pl.DataFrame, names: Mapping[str, str], missing: Sequence[str], *, path: str
) -> tuple[dict[str, str], list[Finding]]:
    """The names less an adjusted close beside a close that holds no price in any row; and that.

    Such a column is empty (a cell of `missing` is), or says yes or no; both of one symbol are
    refused (26), for its closes are adjusted in one part alone.
    """
    name = next((theirs for theirs, ours in names.items() if ours == "adj_close"), None)
    if name is None or "close" not in names.values() or not frame.height:
        return dict(names), []
    cells = frame[name].unique().cast(pl.String, strict=False).str.strip_chars()
    held = [cell for cell in cells.drop_nulls() if cell and cell not in missing]
    if not all(cell.lower() in (*FLAGS, "nan") for cell in held):
        return dict(names), []
    rest = {theirs: ours for theirs, ours in names.items() if theirs != name}
    mixed = _mixed_flags(frame, rest, name, held, path=path)
    if mixed:
        return rest, mixed
    note = Issue.MISSING_COLUMN.finding(
        f"{safe_text(', '.join(sorted(held)))} in each row" if held else "no value in any row",
        response="W",
        rule="prices in an adjusted close; the close beside it is read",
        path=path,
        column=safe_text(name),
    )
    return rest, [note]


def _mixed_flags(
    frame: pl.DataFrame, names: Mapping[str, str], name: str, held: Sequence[str], *, path: str
) -> list[Finding]:
    """Rule 26: a flag that says yes of some closes of a symbol and no of others."""
    cells = frame[name].cast(pl.String).str.strip_chars()
    is_held, is_yes = cells.is_in([*held]), cells.str.to_lowercase().is_in(YES)
    symbols = [pl.col(theirs) for theirs, ours in names.items() if ours == "symbol"]
    flags = frame.select(*symbols, is_yes.alias("__yes")).filter(is_held)
    n_kinds = flags.group_by(symbols or [pl.lit(0)]).agg(pl.col("__yes").n_unique())["__yes"]
    if not flags.height or n_kinds.max() == 1:
        return []
    counts = cells.filter(is_held).value_counts(sort=True, name="n")
    told = " and ".join(f"{text} in {n} rows" for text, n in counts.iter_rows())
    parts = (f"data.only = {toml_value({name: text})}" for text in counts.to_series()[:2])
    return [
        Issue.TWO_CLOSES.finding(
            safe_text(told),
            response="E",
            rule="closes that are adjusted in every row of a symbol, or in none",
            fix=f"set {' or '.join(parts)} to read that part, "
            f"or {columns_setting({name: ''})} if all are alike.",
            path=path,
            column=safe_text(name),
            count=int((~is_yes & is_held).sum()),
        )
    ]


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
