"""[I/O] A table of splits, as `data.splits` names it: symbol, date, new shares for an old one."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.column_names import folded
from nextclose.data.reading.delimited import sheet_of
from nextclose.data.reading.encoding import line_blocks
from nextclose.data.reading.unusable import UnusableError
from nextclose.data.sources.files import opened

COLUMNS = ("symbol", "date", "ratio")
MUST = "a CSV of symbol, date (YYYY-MM-DD) and ratio, new shares for an old one"
LARGEST_RATIO = 1e6
FIX = "correct that file, or give another in data.splits."


def read_splits(path: Path, config: DataConfig) -> pl.DataFrame:
    """The splits: symbol, session, ratio (Float64, > 0). Raises: UnusableError (59)."""
    try:
        with opened(path, follow_symlinks=config.follow_symlinks) as file:
            data = b"".join(line_blocks([file.read()]))
        sheet = sheet_of(data, path=str(path), config=DataConfig())
    except UnusableError as error:
        raise _broken(error.found, row=error.row) from None
    if sheet.findings and sheet.findings[-1].response == "E":
        first = next(finding for finding in sheet.findings if finding.response == "E")
        raise _broken(first.found, row=first.row)
    names = {folded(name): name for name in sheet.frame.columns}
    if not set(COLUMNS) <= set(names):
        raise _broken(f"only the columns {', '.join(sheet.frame.columns)}", row=1)
    text = sheet.frame.select(pl.col(names[name]).str.strip_chars().alias(name) for name in COLUMNS)
    splits = text.select(
        "symbol",
        pl.col("date").str.to_date("%Y-%m-%d", strict=False).alias("session"),
        pl.col("ratio").cast(pl.Float64, strict=False),
    )
    is_ratio = pl.col("ratio").is_between(1 / LARGEST_RATIO, LARGEST_RATIO)
    is_good = splits.select(
        (pl.all_horizontal(pl.all().is_not_null()) & is_ratio).fill_null(value=False)
    ).to_series()
    if not is_good.all():
        at = int(is_good.not_().arg_true()[0])
        cells = ", ".join(cell or "an empty cell" for cell in text.row(at))
        raise _broken(cells, row=int(sheet.rows[at]))
    return splits


def _broken(found: str, *, row: int | None = None) -> UnusableError:
    return UnusableError(Issue.SPLIT, safe_text(found), must=MUST, fix=FIX, row=row)
