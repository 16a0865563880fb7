"""What a file's name says: how it is read, and of which symbol it is."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
COMPRESSED_SUFFIXES = (".gz", ".zst", ".zip")
PARQUET_SUFFIXES = (".parquet", ".pq")

FileFormat = Literal["csv", "parquet", ""]


def format_of(path: Path) -> FileFormat:
    """How a file of that name is read; "" where the name does not say. A ZIP holds one CSV."""
    name = path.name.lower()
    if name.endswith(PARQUET_SUFFIXES):
        return "parquet"
    is_csv = _without_suffix(name, COMPRESSED_SUFFIXES).endswith(CSV_SUFFIXES) or name.endswith(
        ".zip"
    )
    return "csv" if is_csv else ""


def is_price_file(path: Path) -> bool:
    """Whether a folder's file of that name is meant to be prices; a .txt there is a note."""
    return format_of(path) != "" and not path.name.lower().endswith(".txt")


def compression_of(path: Path) -> str:
    """The suffix of a compressed file; "" for others."""
    suffix = path.suffix.lower()
    return suffix if suffix in COMPRESSED_SUFFIXES else ""


def symbol_of(path: Path) -> str:
    """The symbol a file is named by: AAPL.csv, aapl.csv and AAPL.csv.gz all hold AAPL."""
    name = _without_suffix(
        _without_suffix(path.name, COMPRESSED_SUFFIXES), CSV_SUFFIXES + PARQUET_SUFFIXES
    )
    return name.upper() if name.islower() else name


def _without_suffix(name: str, suffixes: tuple[str, ...]) -> str:
    suffix = next((s for s in suffixes if name.lower().endswith(s)), "")
    return name[: len(name) - len(suffix)]
