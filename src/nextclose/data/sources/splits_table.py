"""[I/O] A table of splits, as `data.splits` names it: symbol, date, new shares for an old one."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.columns.spellings import canonical_name
from nextclose.data.reading.delimited import csv_cells
from nextclose.data.reading.encoding import line_blocks
from nextclose.data.reading.file_errors import UnusableFileError
from nextclose.data.sources.files import open_file

COLUMNS = ("symbol", "date", "ratio")
MUST = "a CSV of symbol, date (YYYY-MM-DD) and ratio, new shares for an old one, as 2, 3:2 or 1:12"
RATIO = r"^([0-9.]+)\s*[:/]\s*([0-9.]+)$"  # as vendors write it: new shares for old ones
LARGEST_RATIO = 1e6
READABLE = "a readable table of splits, as data.splits names it"
NO_TABLE = "correct data.splits: it is looked up from the working directory."
FIX = "correct that file, or give another in data.splits."


def read_splits(path: Path, config: DataConfig) -> pl.DataFrame:
    """The splits: symbol, session, ratio (Float64, > 0). Raises: UnusableFileError (1, 59)."""
    try:
        with open_file(path, follow_symlinks=config.follow_symlinks) as file:
            data = b"".join(line_blocks([file.read()]))
        cells = csv_cells(data, path=str(path), config=DataConfig())
    except UnusableFileError as error:
        if error.number is Issue.NO_FILE:
            raise UnusableFileError(
                error.number, error.found, must=READABLE, fix=NO_TABLE
            ) from None
        raise _splits_error(error.found, row=error.row) from None
    if cells.findings and cells.findings[-1].response == "E":
        first = next(finding for finding in cells.findings if finding.response == "E")
        raise _splits_error(first.found, row=first.row)
    names = {canonical_name(name): name for name in cells.frame.columns}
    if not set(COLUMNS) <= set(names):
        raise _splits_error(f"only the columns {', '.join(cells.frame.columns)}", row=1)
    text = cells.frame.select(pl.col(names[name]).str.strip_chars().alias(name) for name in COLUMNS)
    splits = text.select(
        "symbol",
        pl.col("date").str.to_date("%Y-%m-%d", strict=False).alias("session"),
        _ratios(pl.col("ratio")),
    )
    is_ratio = pl.col("ratio").is_between(1 / LARGEST_RATIO, LARGEST_RATIO)
    is_good = splits.select(
        (pl.all_horizontal(pl.all().is_not_null()) & is_ratio).fill_null(value=False)
    ).to_series()
    if not is_good.all():
        at = int(is_good.not_().arg_true()[0])
        row = ", ".join(cell or "an empty cell" for cell in text.row(at))
        raise _splits_error(row, row=int(cells.rows[at]))
    return splits


def _ratios(text: pl.Expr) -> pl.Expr:
    """New shares for an old one: a number, or two as in 3:2 or 1/12; null for anything else."""
    new, old = (text.str.extract(RATIO, k).cast(pl.Float64, strict=False) for k in (1, 2))
    return text.cast(pl.Float64, strict=False).fill_null(new / old)


def _splits_error(found: str, *, row: int | None = None) -> UnusableFileError:
    return UnusableFileError(Issue.SPLIT, safe_text(found), must=MUST, fix=FIX, row=row)
