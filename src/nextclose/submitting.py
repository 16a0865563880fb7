"""[I/O] Forecasts as they are handed over: frames, files, several of them by name."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from nextclose.arguments import type_name
from nextclose.data.sources.frames import is_frame, polars_frame
from nextclose.errors import ConfigError
from nextclose.judging.reading import Reading, submissions_of
from nextclose.judging.submission import Submission, refused


def all_submissions(forecasts: Any, told: Reading) -> list[Submission]:
    """All models of all files or frames."""
    if isinstance(forecasts, Mapping):
        return [
            replace(one, model=str(name)) if len(own) == 1 else one
            for name, part in forecasts.items()
            for own in [all_submissions(part, replace(told, model=str(name)))]
            for one in own
        ]
    if isinstance(forecasts, list | tuple):
        return [one for part in forecasts for one in all_submissions(part, told)]
    if isinstance(forecasts, str | Path):
        path = Path(forecasts)
        stem = told.model or ""
        return [
            replace(one, model=path.stem) if one.model == "submission" else one
            for one in submissions_of(read_table(path), replace(told, where=path.name, model=stem))
        ]
    if not is_frame(forecasts):
        raise ConfigError(
            f"forecasts is {type_name(forecasts)}. Fix: give a data frame, or the path of a "
            "CSV or Parquet file."
        )
    return submissions_of(polars_frame(forecasts), told)


def read_table(path: Path) -> pl.DataFrame:
    """A CSV or Parquet file as it stands. Raises: ForecastsError."""
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return pl.read_parquet(path)
        content = path.read_bytes()
        if content[:4] == b"PAR1":
            return pl.read_parquet(content)
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        if not content:
            raise refused("0 bytes", expected="a table of forecasts", fix="export them again.",
                          where=path.name)  # fmt: skip
        text = content.decode("utf-8-sig")
        separator = max(",;\t", key=text.partition("\n")[0].count)
        frame = pl.read_csv(text.encode(), infer_schema_length=None, separator=separator)
        unnamed = [name for name in frame.columns if name in ("", "Unnamed: 0")]
        if unnamed and frame[unnamed[0]].dtype.is_integer():  # an index of pandas
            frame = frame.drop(unnamed[0])
        elif unnamed:
            frame = frame.rename({unnamed[0]: "date"})
        return frame
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0]
        raise refused(reason, expected="a CSV (UTF-8) or Parquet file that can be read",
                      fix="check the path, or export the forecasts again.",
                      where=path.name) from error  # fmt: skip
