"""[I/O] Where bars come from: CSV, Parquet, folders, data frames, and the bundled sample."""

from __future__ import annotations

import csv
import gzip
import importlib.resources
import io
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl

from nextclose.config import DataConfig
from nextclose.data.bars import DEFAULTS, assembled, sound
from nextclose.data.columns import NUMBERS, Part, column_map, part_of, refused
from nextclose.data.findings import shown
from nextclose.schema import Bars

SAMPLE = "sample"
CSV_SUFFIXES = (".csv", ".txt")
PARQUET_SUFFIXES = (".parquet", ".pq")
FOREIGN = {  # leading bytes -> what the file is
    b"PAR1": "Parquet",
    b"PK\x03\x04": "a ZIP archive or a spreadsheet",
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x89HDF": "HDF5",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"version https://git-lfs": "a Git LFS pointer",
    b"<": "HTML or XML",
    b"{": "JSON",
    b"[": "JSON",
}


def load_bars(
    *prices: str | Path, config: DataConfig = DEFAULTS, now: datetime | None = None
) -> Bars:
    """Bars of files, folders of files, or the word `sample`, joined.

    A file without a symbol column holds one symbol, named by the file. Folders are read in the
    order of their file names, one level deep. `now` is the clock's unless it is given.
    Raises: DataError with every problem of every file.
    """
    return sound(collected(*prices, config=config, now=now))


def collected(
    *prices: str | Path, config: DataConfig = DEFAULTS, now: datetime | None = None
) -> Bars:
    """As `load_bars`, but what must be refused is left out and named in `findings`."""
    nothing = _unusable("", 1, "no file, folder or `sample` named", "price files", "name one.")
    parts = [part for given in prices for part in _parts(given)] or [nothing]
    return assembled(parts, config=config, now=now or datetime.now(UTC))


def sample_bars() -> Bars:
    """The bundled real data: AAPL, FB, GOOG, IBM, MSFT, 2000-03-01 to 2013-03-01, adjusted.

    Source: bokeh_sampledata 2026.1 (public domain), raw bars with adjusted close.
    """
    return load_bars(SAMPLE)


def frame_bars(frame: Any, *, symbol: str = "", config: DataConfig = DEFAULTS) -> Bars:
    """Bars of a pandas, polars or other data frame; `symbol` names a frame without such a column.

    A pandas index that holds the dates is read as a column; two-level columns, as a download of
    several symbols gives them, are split by symbol. Row numbers in messages count from 1.
    """
    rows = _polars(frame)
    numbers = pl.int_range(1, rows.height + 1, eager=True)
    part = part_of(rows, path="frame", rows=numbers, symbol=symbol, config=config)
    return sound(assembled([part], config=config, now=datetime.now(UTC)))


def _polars(frame: Any) -> pl.DataFrame:
    """Any eager data frame as polars, column by column: pandas needs no pyarrow this way."""
    if isinstance(frame, pl.DataFrame):
        return frame
    if hasattr(frame, "index") and hasattr(frame, "reset_index"):
        frame = _flat_pandas(frame)
    foreign = nw.from_native(frame, eager_only=True)
    return pl.DataFrame([_column(str(name), foreign[name]) for name in foreign.columns])


def _flat_pandas(frame: Any) -> Any:
    """A pandas frame with one level of column names and its index, if it has one, as a column."""
    if frame.columns.nlevels == 2:
        level = next((k for k in (0, 1) if "Close" in frame.columns.get_level_values(k)), 0)
        frame = frame.stack(1 - level, future_stack=True).dropna(how="all")
        frame.index.names = [frame.index.names[0] or "date", "symbol"]
        return frame.reset_index()
    if frame.index.name is None and frame.index.dtype.kind in "iu":
        return frame
    return frame.rename_axis(index=frame.index.name or "date").reset_index()


def _column(name: str, series: nw.Series[Any]) -> pl.Series:
    values = series.to_numpy()
    return pl.Series(name, series.to_list() if values.dtype == object else values)


def _parts(given: str | Path) -> list[Part]:
    """The files that one argument stands for, read; a folder gives its price files by name."""
    if str(given) == SAMPLE:
        return [_sample()]
    path = Path(given)
    if not path.is_dir():
        return [_file(path)]
    try:
        files = sorted(
            f for f in path.iterdir() if f.suffix.lower() in CSV_SUFFIXES[:1] + PARQUET_SUFFIXES
        )
    except OSError as error:
        return [_absent(path, error)]
    if files:
        return [_file(file) for file in files]
    fix = "put files ending in .csv or .parquet there."
    return [_unusable(str(path), 1, "no price files in this folder", "at least one", fix)]


def _file(path: Path) -> Part:
    """One file, read by its ending; every other kind is refused unopened."""
    name, suffix = str(path), path.suffix.lower()
    read: Callable[[Path], Part]
    if path.exists() and not path.is_file():  # a pipe would be waited on for ever
        return _unusable(
            name, 18, "a pipe, socket or device", "a regular file", "copy it to a file."
        )
    if suffix in PARQUET_SUFFIXES:
        read = _parquet
    elif suffix in CSV_SUFFIXES:
        read = _csv
    elif not path.exists():
        read = _csv  # the system says why
    else:
        kind = f"a file ending in {shown(suffix)!r}" if suffix else "a file without ending"
        return _unusable(name, 17, kind, "CSV or Parquet", "export the prices as CSV or Parquet.")
    try:
        return read(path)
    except OSError as error:
        return _absent(path, error)


def _absent(path: Path, error: OSError) -> Part:
    found = f"{error.strerror or error} at {path.absolute()}, working directory {os.getcwd()}"
    return _unusable(str(path), 1, found, "a readable file or folder", "correct the path.")


def _unusable(path: str, number: int, found: str, must: str, fix: str) -> Part:
    return refused(path, number, found=found, must=must, fix=fix)


def _symbol(path: Path) -> str:
    """The symbol a file is named by: AAPL.csv and aapl.csv both hold AAPL."""
    return path.stem.upper() if path.stem.islower() else path.stem


def _sample() -> Part:
    source = importlib.resources.files("bokeh_sampledata").joinpath("_data", "stocks.csv.gz")
    return _csv_part(gzip.decompress(source.read_bytes()), path=SAMPLE, symbol="")


def _parquet(path: Path) -> Part:
    data = path.read_bytes()
    if not data:
        return _unusable(str(path), 2, "an empty file", "Parquet", "export the prices again.")
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except pl.exceptions.PolarsError as error:
        found = shown(str(error).splitlines()[0])
        return _unusable(str(path), 19, found, "a whole Parquet file", "export the prices again.")
    rows = pl.int_range(1, frame.height + 1, eager=True)
    return part_of(frame, path=str(path), rows=rows, symbol=_symbol(path))


def _csv(path: Path) -> Part:
    data, name = path.read_bytes(), str(path)
    if not data.strip():
        return _unusable(name, 2, "an empty file", "CSV with a header", "export the prices again.")
    head = data[:64].lstrip()
    kind = next((kind for lead, kind in FOREIGN.items() if head.startswith(lead)), None)
    if kind:
        fix = "name it .parquet." if kind == "Parquet" else "export the prices as CSV or Parquet."
        return _unusable(name, 16, f"this is {kind}", "CSV", fix)
    return _csv_part(data, path=name, symbol=_symbol(path))


def _csv_part(data: bytes, *, path: str, symbol: str) -> Part:
    """CSV text parsed to numbers at once; if that fails, as text, so that the bad cell is named."""
    try:
        header = pl.read_csv(data, n_rows=0, infer_schema=False).columns
        types = {
            theirs: pl.Float64() if ours in NUMBERS else pl.String()
            for theirs, ours in column_map(header).items()
        }
        try:
            frame = pl.read_csv(data, schema_overrides=types, infer_schema=False)
        except pl.exceptions.ComputeError:
            frame = pl.read_csv(data, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        return _unreadable(data, path, shown(str(error).splitlines()[0]))
    is_row = frame.select(
        pl.any_horizontal(pl.all().is_not_null())
    ).to_series()  # else a blank line
    if not is_row.any():
        fix = "export the prices again."
        return _unusable(path, 3, "0 data rows", "rows below the header", fix)
    rows = pl.int_range(2, frame.height + 2, eager=True)
    return part_of(frame.filter(is_row), path=path, rows=rows.filter(is_row), symbol=symbol)


def _unreadable(data: bytes, path: str, reason: str) -> Part:
    """Why a CSV cannot be read as a table: its bytes, or the first row with too many fields."""
    if b"\0" in data:
        found = f"a NUL byte at offset {data.index(0)}"
        return _unusable(path, 6, found, "text", "export the prices again.")
    try:
        lines = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    except UnicodeDecodeError as error:
        found = f"byte 0x{data[error.start]:02x} at offset {error.start}"
        return _unusable(path, 5, found, "UTF-8", "save the file as UTF-8.")
    n_fields = len(next(lines))
    for fields in lines:
        if len(fields) > n_fields:
            found = f"{len(fields)} fields in row {lines.line_num}"
            must = f"{n_fields} fields as in the header"
            return _unusable(path, 12, found, must, "correct the row.")
    return _unusable(path, 12, reason, "a table with a header", "export the prices again.")
