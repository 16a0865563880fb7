"""[I/O] The local price store: a folder with an index and one Parquet file a vintage of a symbol.

    store.json                   which symbols there are, and the vintages of each, oldest first
    vintages/SHA256.parquet      the rows of one, each with the instant at which it was fetched

A vintage is one history as a provider gave it. New sessions are added to the newest; a history that
was revised begins another. A file is named by the hash of its bytes and never changes:
replacing the index is what makes an update count, at once and whole.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.prices import UncheckedPrices, refused_file, unchecked_prices
from nextclose.errors import DataError
from nextclose.schema import Finding

INDEX, VINTAGES = "store.json", "vintages"
FORMAT = 1
COPY = "copy the store anew, or fetch into a new folder."


class VintageFacts(BaseModel):
    """What is known of one history: when it was first fetched, from which day on, and from whom."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    fetched_at: AwareDatetime
    since: date  # the first day asked for; the symbol may be younger
    provider: str
    client: str
    currency: str
    zone: str
    is_adjusted: bool  # close itself is; there is no adj_close


class Vintage(BaseModel):
    """One history of a symbol; `file` is the SHA-256 of its rows, and names them."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    file: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    facts: VintageFacts


class StoreIndex(BaseModel):
    """What a store holds: symbol -> its vintages, oldest first."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal[1] = 1
    symbols: dict[str, Annotated[tuple[Vintage, ...], Field(min_length=1)]] = Field(
        default_factory=dict
    )


def is_store(path: Path) -> bool:
    """Whether a folder is a price store."""
    return (path / INDEX).is_file()


def store_prices(path: Path, *, config: DataConfig) -> list[UncheckedPrices]:
    """Each symbol's newest history; with `config.as_of`, as the store stood when that day ended.

    Days end in UTC. Symbols that were not there yet are left out, named in one finding.
    A store that is damaged is a refusal.
    """
    try:
        index = read_index(path)
        return list(_symbol_prices(path, index, config)) or [_empty_store(path, config)]
    except DataError as error:
        return [UncheckedPrices(path=error.findings[0].path, frame=None, findings=error.findings)]


def read_index(path: Path) -> StoreIndex:
    """The index, checked. Raises: DataError naming the file if it is damaged or of a later kind."""
    name = path / INDEX
    try:
        text = name.read_bytes()
        document = json.loads(text)
        number = document.get("format") if isinstance(document, dict) else None
        if isinstance(number, int) and number > FORMAT:
            must = f"a store of format {FORMAT}"
            raise _damage_error(name, f"format {number}", must, "update nextclose.")
        return StoreIndex.model_validate_json(text)
    except OSError as error:
        raise _damage_error(name, str(error.strerror), "a readable index", COPY) from error
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        problem_at = safe_text(f"{place}: {problem['msg']}")
        raise _damage_error(name, problem_at, "the index of a store", COPY) from error
    except (ValueError, RecursionError) as error:
        raise _damage_error(name, "no JSON", "the index of a store", COPY) from error


def read_rows(path: Path, vintage: Vintage) -> pl.DataFrame:
    """The rows of one vintage: session, prices, volume, fetched_at.

    Raises: DataError naming the file if it is missing or not the one that was stored.
    """
    name = rows_path(path, vintage)
    try:
        content = name.read_bytes()
    except OSError as error:
        raise _damage_error(name, str(error.strerror), "the file that was stored", COPY) from error
    if hashlib.sha256(content).hexdigest() != vintage.file:
        raise _damage_error(name, "other bytes than were stored", "the hash in its name", COPY)
    try:
        rows = pl.read_parquet(io.BytesIO(content))
    except pl.exceptions.PolarsError as error:
        raise _damage_error(name, "no Parquet", "the file that was stored", COPY) from error
    if not {"session", "close", "fetched_at"} <= set(rows.columns):
        raise _damage_error(
            name, f"columns {safe_text(', '.join(rows.columns))}", "rows of a store", COPY
        )
    return rows


def rows_path(path: Path, vintage: Vintage) -> Path:
    """Where the rows of a vintage are."""
    return path / VINTAGES / f"{vintage.file}.parquet"


def history_prices(
    frame: pl.DataFrame,
    *,
    path: str,
    symbol: str,
    facts: VintageFacts,
    config: DataConfig,
) -> UncheckedPrices:
    """Rows of a vintage as the rules read them."""
    if facts.currency:
        frame = frame.with_columns(pl.lit(facts.currency).alias("currency"))
    return unchecked_prices(
        frame.drop("fetched_at"),
        path=path,
        rows=pl.int_range(1, frame.height + 1, eager=True),
        symbol=symbol,
        config=config,
        basis="adjusted" if facts.is_adjusted else None,
    )


def _symbol_prices(path: Path, index: StoreIndex, config: DataConfig) -> Iterator[UncheckedPrices]:
    until = _end_of(config.as_of)
    absent = []
    for symbol, vintages in sorted(index.symbols.items()):
        known = [v for v in vintages if until is None or v.facts.fetched_at < until]
        if not known:
            absent.append(symbol)
            continue
        rows = read_rows(path, known[-1])
        if until is not None:
            rows = rows.filter(pl.col("fetched_at") < until)
        prices = history_prices(
            rows, path=str(path), symbol=symbol, facts=known[-1].facts, config=config
        )
        if len(vintages) > 1:
            note = _vintage_note(path, symbol, vintages, config)
            prices = replace(prices, findings=(*prices.findings, note))
        yield prices
    if absent and len(absent) < len(index.symbols):
        yield UncheckedPrices(
            path=str(path), frame=None, findings=(_absent_symbols_warning(path, absent, config),)
        )


def _end_of(day: date | None) -> datetime | None:
    """The first instant after the day, in UTC."""
    return None if day is None else datetime.combine(day + timedelta(days=1), time(), UTC)


def _vintage_note(
    path: Path, symbol: str, vintages: tuple[Vintage, ...], config: DataConfig
) -> Finding:
    """Rule 75: which of several vintages is read."""
    as_of = config.as_of
    choice = "the newest is read" if as_of is None else f'data.as_of = "{as_of}"'
    return Issue.REVISED_HISTORY.finding(
        f"{len(vintages)} vintages, the newest of {vintages[-1].facts.fetched_at.date()}",
        rule=f"history that was revised is kept as it was; {choice}",
        path=str(path),
        symbol=symbol,
    )


def _absent_symbols_warning(path: Path, absent: list[str], config: DataConfig) -> Finding:
    return Issue.REVISED_HISTORY.finding(
        safe_text(f"nothing yet of {', '.join(absent)}"),
        response="W",
        rule=f'the store as it stood; data.as_of = "{config.as_of}"',
        path=str(path),
        count=len(absent),
    )


def _empty_store(path: Path, config: DataConfig) -> UncheckedPrices:
    when = f" by {config.as_of}" if config.as_of else ""
    fix = "choose a later data.as_of." if when else "fill it with nextclose fetch."
    must = "at least one symbol"
    return refused_file(
        str(path), Issue.NO_ROWS, found=f"nothing was stored{when}", must=must, fix=fix
    )


def _damage_error(name: Path, found: str, must: str, fix: str) -> DataError:
    prices = refused_file(str(name), Issue.DAMAGED_FILE, found=found, must=must, fix=fix)
    return DataError(prices.findings)
