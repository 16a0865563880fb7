"""[I/O] Where bars come from: what each argument stands for, read and joined."""

from __future__ import annotations

import gzip
import importlib.resources
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain, groupby
from pathlib import Path

from nextclose.config import DataConfig
from nextclose.data.bars import DEFAULTS, assemble_bars, raise_for_refusals
from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.part import Part
from nextclose.data.reading.unusable import UnusableError
from nextclose.data.sources.csvfiles import csv_part, csv_parts
from nextclose.data.sources.filenames import is_price_file, kind_of
from nextclose.data.sources.files import absent, opened
from nextclose.data.sources.parquet import parquet_parts
from nextclose.data.sources.postgres_url import is_url
from nextclose.data.sources.splits_table import read_splits
from nextclose.schema import Bars

SAMPLE = "sample"
FORMAT_SETTINGS = (  # say how a person's files are written, not how the sample is
    *("encoding", "separator", "decimal", "thousands"),
    *("columns", "missing", "date_format"),
)


def load_bars(
    *prices: str | Path, config: DataConfig = DEFAULTS, now: datetime | None = None
) -> Bars:
    """Bars of files, folders of files, stores, `postgresql://` URLs or the word `sample`, joined.

    A file without a symbol column holds one symbol, named by the file. Folders are read in the
    order of their file names, one level deep. `now` is the clock's unless it is given.
    Raises: DataError with every problem of every file; SourceError if a database gives nothing.
    """
    return raise_for_refusals(collected(*prices, config=config, now=now))


def collected(
    *prices: str | Path, config: DataConfig = DEFAULTS, now: datetime | None = None
) -> Bars:
    """As `load_bars`, but what must be refused is left out and named in `findings`."""
    splits = None
    refusals: list[Part] = []
    if not prices:
        nothing = "no file, folder or `sample` named"
        refusals = [
            UnusableError(Issue.NO_FILE, nothing, must="price files", fix="name one.").part("")
        ]
    if config.splits is not None:
        try:
            splits = read_splits(Path(config.splits), config)
        except UnusableError as error:
            refusals.append(error.part(config.splits))
    items = (item for given in prices for item in _items(given, config))
    parts = chain(_parts(items, config), refusals)
    return assemble_bars(parts, config=config, now=now or datetime.now(UTC), splits=splits)


def sample_bars() -> Bars:
    """The bundled real data: AAPL, FB, GOOG, IBM, MSFT, 2000-03-01 to 2013-03-01, adjusted.

    Source: bokeh_sampledata 2026.1 (public domain), raw bars with adjusted close.
    """
    return load_bars(SAMPLE)


def _items(given: str | Path, config: DataConfig) -> Iterable[Path | Part]:
    """What one argument stands for: files still to be read, and parts that were."""
    if str(given) == SAMPLE:
        return [_sample(config)]
    if is_url(given):
        from nextclose.data.sources.postgres import postgres_parts

        return postgres_parts(str(given), config=config)
    return _folder(Path(given), config) if os.path.isdir(given) else [Path(given)]


def _folder(path: Path, config: DataConfig) -> Iterable[Path | Part]:
    """A store's prices, or the price files of a folder by name, one level deep."""
    from nextclose.data.store.index import is_store, store_parts

    try:
        if is_store(path):
            return store_parts(path, config=config)
        files = sorted(file for file in path.iterdir() if is_price_file(file))
    except OSError as error:
        return [absent(path, error).part(str(path))]
    if files:
        return files
    return [_nothing_in(path).part(str(path))]


def _nothing_in(folder: Path) -> UnusableError:
    """Why a folder gave no prices: nothing there, or folders of files one level deeper."""
    deeper = sorted(
        inner.name
        for inner in folder.iterdir()
        if inner.is_dir() and any(is_price_file(file) for file in inner.iterdir())
    )
    fix = "put files ending in .csv or .parquet there."
    if deeper:
        fix = f"name the {len(deeper)} folders in it that hold some, as {folder.name}/{deeper[0]}."
    nothing = "no price files in this folder"
    return UnusableError(Issue.NO_FILE, nothing, must="at least one", fix=fix)


def _parts(items: Iterable[Path | Part], config: DataConfig) -> Iterator[Part]:
    """The items in their order, files read; neighbours of one kind are read together."""
    for kind, run in groupby(items, key=_kind):
        paths = (item for item in run if isinstance(item, Path))
        if kind == "csv":
            yield from csv_parts(paths, config)
        elif kind == "parquet":
            yield from parquet_parts(paths, config)
        elif kind == "part":
            yield from (item for item in run if isinstance(item, Part))
        else:
            yield from (_unknown(path, config) for path in paths)


def _kind(item: Path | Part) -> str:
    return "part" if isinstance(item, Part) else kind_of(item)


def _unknown(path: Path, config: DataConfig) -> Part:
    """A file whose name does not say how to read it: not read."""
    suffix = path.suffix.lower()
    kind = f"a file ending in {safe_text(suffix)!r}" if suffix else "a file without ending"
    try:
        with opened(path, follow_symlinks=config.follow_symlinks):
            raise UnusableError(Issue.UNKNOWN_FORMAT, kind)
    except UnusableError as error:
        return error.part(str(path))


def _sample(config: DataConfig) -> Part:
    source = importlib.resources.files("bokeh_sampledata").joinpath("_data", "stocks.csv.gz")
    plain = config.model_copy(update={name: getattr(DEFAULTS, name) for name in FORMAT_SETTINGS})
    return csv_part(gzip.decompress(source.read_bytes()), path=SAMPLE, symbol="", config=plain)
