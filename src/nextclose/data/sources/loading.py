"""[I/O] Where bars come from: what each argument stands for, read and joined."""

from __future__ import annotations

import gzip
import importlib.resources
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from nextclose.arguments import named_arguments, refuse_other
from nextclose.config import DataConfig
from nextclose.data.bars import DEFAULTS, assemble_bars, raise_for_refusals
from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.columns.companies import folder_fault, tells_series
from nextclose.data.reading.file_errors import UnusableFileError
from nextclose.data.reading.prices import UncheckedPrices
from nextclose.data.sources.csvfiles import csv_prices, csv_text_prices, is_price_table
from nextclose.data.sources.filenames import format_of, partitions_of
from nextclose.data.sources.files import open_file, path_error
from nextclose.data.sources.folders import empty_folder, folder_files
from nextclose.data.sources.parquet import parquet_prices
from nextclose.data.sources.postgres_url import database_url
from nextclose.data.sources.source import Source, source_prices
from nextclose.data.sources.splits_table import read_splits
from nextclose.errors import ConfigError
from nextclose.schema import Bars

SAMPLE = "sample"
FORMAT_SETTINGS = (  # say how a person's files are written, not how the sample is
    *("encoding", "separator", "decimal", "thousands"),
    *("columns", "header", "only", "missing", "date_format"),
)


@named_arguments(DataConfig)
def load_bars(
    *prices: str | Path | Source | Sequence[str | Path | Source],
    config: DataConfig = DEFAULTS,
    now: datetime | None = None,
) -> Bars:
    """Bars of files, folders, stores, `postgresql://` URLs, the word `sample` or sources, joined.

    Lists of them are taken as they come. A file without a symbol column holds one symbol, named by
    the file. Folders are read in the order of their file names, one level deep, but for partitions
    (symbol=AAPL). `now` is the clock's unless it is given.
    Raises: DataError with every problem of every file; SourceError if a database or a source gives
        nothing; ConfigError for an argument that is none of these.
    """
    return raise_for_refusals(load_usable_bars(*prices, config=config, now=now))


def load_usable_bars(
    *prices: str | Path | Source | Sequence[str | Path | Source],
    config: DataConfig = DEFAULTS,
    now: datetime | None = None,
) -> Bars:
    """As `load_bars`, but what must be refused is left out and named in `findings`."""
    fix = "give DataConfig(...); of a RunConfig its part, .data"
    refuse_other(config, DataConfig, argument="config", fix=fix)
    each: list[Any] = []  # what is none of these is refused where it is read
    for given in prices:
        each += given if isinstance(given, list | tuple) else [given]
    if config.as_of is not None:
        _refuse_as_of(each, config)
    splits = None
    refusals: list[UncheckedPrices] = []
    if not each:
        nothing = "no file, folder or `sample` named"
        error = UnusableFileError(Issue.NO_FILE, nothing, must="price files", fix="name one.")
        refusals.append(error.refusal(""))
    if config.splits is not None:
        try:
            splits = read_splits(Path(config.splits), config)
        except UnusableFileError as error:
            refusals.append(error.refusal(config.splits))
    items = (item for argument in each for item in _inputs(argument, config))
    unchecked = chain(_one_series_each(_read(items, config), config), refusals)
    return assemble_bars(unchecked, config=config, now=now or datetime.now(UTC), splits=splits)


def _refuse_as_of(each: Sequence[Any], config: DataConfig) -> None:
    """Raise ConfigError for a day of the past asked of what keeps no revisions."""
    from nextclose.data.store.index import is_store

    for argument in each:
        is_folder = isinstance(argument, str | os.PathLike) and os.path.isdir(argument)
        if not (is_folder and is_store(Path(argument))):
            name = argument if isinstance(argument, str | os.PathLike) else type(argument).__name__
            raise ConfigError(
                f"data.as_of = {config.as_of}: {safe_text(str(name))} is no store, and only a "
                "store keeps how prices stood on a day. Fix: leave it out and give prices that "
                "end on that day, or fill a store by nextclose fetch.",
                section="data",
                key="as_of",
            )


def sample_bars() -> Bars:
    """The bundled real data: AAPL, FB, GOOG, IBM, MSFT, 2000-03-01 to 2013-03-01, adjusted.

    Source: Quandl WIKI Prices (public domain), as bokeh_sampledata 2026.1 has them in its
        stocks.csv.gz, byte for byte: raw bars with adjusted close.
    """
    return load_bars(SAMPLE)


def _inputs(argument: str | Path | Source, config: DataConfig) -> Iterable[Path | UncheckedPrices]:
    """What one argument stands for: files still to be read, and prices that were."""
    if not isinstance(argument, str | os.PathLike):
        return source_prices(argument, config)
    if str(argument) == SAMPLE:
        return [_sample_prices(config)]
    if (url := database_url(argument)) is not None:
        from nextclose.data.sources.postgres import postgres_prices

        return [postgres_prices(url, config=config)]
    return _folder_inputs(Path(argument), config) if os.path.isdir(argument) else [Path(argument)]


def _folder_inputs(path: Path, config: DataConfig) -> Iterable[Path | UncheckedPrices]:
    """A store's prices, or the price files of a folder by name, and what was passed over."""
    from nextclose.data.store.index import is_store, store_prices

    try:
        if is_store(path):
            return store_prices(path, config=config)
        files = folder_files(path, is_table=lambda file: is_price_table(file, config))
    except OSError as error:
        return [path_error(path, error).refusal(str(path))]
    if not files.paths:
        return [empty_folder(path, files).refusal(str(path))]
    note = files.finding(path)
    passed_over = UncheckedPrices(path=str(path), frame=None, findings=(note,)) if note else None
    return [*files.paths, *filter(None, [passed_over])]


def _read(items: Iterable[Path | UncheckedPrices], config: DataConfig) -> Iterator[UncheckedPrices]:
    """The items in their order, files read; neighbours of one kind are read together."""
    for kind, run in groupby(items, key=_format):
        paths = (item for item in run if isinstance(item, Path))
        if kind == "csv":
            yield from csv_prices(paths, config)
        elif kind == "parquet":
            yield from parquet_prices(paths, config)
        elif kind == "prices":
            yield from (item for item in run if isinstance(item, UncheckedPrices))
        else:
            yield from (_unknown_format(path, config) for path in paths)


def _one_series_each(
    parts: Iterable[UncheckedPrices], config: DataConfig
) -> Iterator[UncheckedPrices]:
    """The parts; without rows where another folder (exchange=NYSE) had the symbol before."""
    before: dict[tuple[str, str], str] = {}
    for part in parts:
        said = partitions_of(Path(part.path))
        telling = [name for name in said if tells_series(name) and config.columns.get(name) != ""]
        faults = [
            folder_fault(name, (before[symbol, name], said[name]), symbol=symbol, path=part.path)
            for symbol in (
                part.frame["symbol"].drop_nulls().unique()
                if telling and part.frame is not None
                else ()
            )
            for name in telling
            if before.setdefault((symbol, name), said[name]) != said[name]
        ]
        yield replace(part, frame=None, findings=(*part.findings, *faults)) if faults else part


def _format(item: Path | UncheckedPrices) -> str:
    return "prices" if isinstance(item, UncheckedPrices) else format_of(item)


def _unknown_format(path: Path, config: DataConfig) -> UncheckedPrices:
    """A file whose name does not say how to read it: not read."""
    suffix = path.suffix.lower()
    kind = f"a file ending in {safe_text(suffix)!r}" if suffix else "a file without ending"
    try:
        with open_file(path, follow_symlinks=config.follow_symlinks):
            raise UnusableFileError(Issue.UNKNOWN_FORMAT, kind)
    except UnusableFileError as error:
        return error.refusal(str(path))


def _sample_prices(config: DataConfig) -> UncheckedPrices:
    source = importlib.resources.files("nextclose.data.sources").joinpath("sample.csv.gz")
    plain = config.model_copy(update={name: getattr(DEFAULTS, name) for name in FORMAT_SETTINGS})
    return csv_text_prices(
        gzip.decompress(source.read_bytes()), path=SAMPLE, symbol="", config=plain
    )
