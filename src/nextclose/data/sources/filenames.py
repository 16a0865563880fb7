"""What a file's name says: how it is read, and of which symbol it is."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
PACKED_SUFFIXES = (".gz", ".zst", ".zip")
PARQUET_SUFFIXES = (".parquet", ".pq")

Kind = Literal["csv", "parquet", ""]


def kind_of(path: Path) -> Kind:
    """How a file of that name is read; "" where the name does not say. A ZIP holds one CSV."""
    name = path.name.lower()
    if name.endswith(PARQUET_SUFFIXES):
        return "parquet"
    is_csv = _less(name, PACKED_SUFFIXES).endswith(CSV_SUFFIXES) or name.endswith(".zip")
    return "csv" if is_csv else ""


def is_price_file(path: Path) -> bool:
    """Whether a folder's file of that name is meant to be prices; a .txt there is a note."""
    return kind_of(path) != "" and not path.name.lower().endswith(".txt")


def packing_of(path: Path) -> str:
    """The suffix of a compressed file; "" for others."""
    suffix = path.suffix.lower()
    return suffix if suffix in PACKED_SUFFIXES else ""


def symbol_of(path: Path) -> str:
    """The symbol a file is named by: AAPL.csv, aapl.csv and AAPL.csv.gz all hold AAPL."""
    name = _less(_less(path.name, PACKED_SUFFIXES), CSV_SUFFIXES + PARQUET_SUFFIXES)
    return name.upper() if name.islower() else name


def _less(name: str, suffixes: tuple[str, ...]) -> str:
    suffix = next((s for s in suffixes if name.lower().endswith(s)), "")
    return name[: len(name) - len(suffix)]
