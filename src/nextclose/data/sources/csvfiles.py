"""[I/O] CSV files: neighbours with the same header parsed together, odd ones alone."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.reading.column_names import column_map
from nextclose.data.reading.columns.said_symbols import partition_fault
from nextclose.data.reading.delimited import csv_cells
from nextclose.data.reading.encoding import BLOCK, line_blocks, line_end_note, refuse_unreadable
from nextclose.data.reading.file_batches import FileBatch, batch_prices
from nextclose.data.reading.file_errors import UNNAMED, UnusableFileError, with_symbol_cure
from nextclose.data.reading.frame_builder import FrameBuilder
from nextclose.data.reading.inferred_names import with_date_column, with_partitions
from nextclose.data.reading.plain_csv import (
    PlainLines,
    has_plain_settings,
    parse_plain_rows,
    plain_lines,
)
from nextclose.data.reading.prices import UncheckedPrices, unchecked_prices
from nextclose.data.sources.compressed import file_chunks, oversized_error
from nextclose.data.sources.filenames import partitions_of, symbol_of
from nextclose.data.sources.files import open_file
from nextclose.schema import Finding

MAX_ODD_BYTES = 256 << 20  # read record by record, which takes some six times as much
MAX_ROWS = 20_000_000  # of a file, as of a database's table
N_SNIFFED = 1 << 16  # bytes that tell a table of prices from a note


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvContent:
    """A CSV file as read: all its bytes, and its lines where they are plain."""

    path: str
    symbol: str
    data: bytes
    lines: PlainLines | None
    partitions: Mapping[str, str] = field(default_factory=dict)


def csv_prices(paths: Iterable[Path], config: DataConfig) -> Iterator[UncheckedPrices]:
    """The prices of CSV files, packed or not, in their order. Raises: ConfigError."""
    yield from map(with_symbol_cure, _csv_prices(paths, config))


def _csv_prices(paths: Iterable[Path], config: DataConfig) -> Iterator[UncheckedPrices]:
    waiting: list[CsvContent] = []
    for path in paths:
        content = _read(path, config)
        if waiting and not _may_join(waiting, content):
            yield from _prices_of(waiting, config)
            waiting = []
        if isinstance(content, UncheckedPrices):
            yield content
        else:
            waiting.append(content)
    if waiting:
        yield from _prices_of(waiting, config)


def csv_text_prices(data: bytes, *, path: str, symbol: str, config: DataConfig) -> UncheckedPrices:
    """The prices in the bytes of one CSV file. Raises: ConfigError."""
    lines = plain_lines(data) if has_plain_settings(config) else None
    content = CsvContent(path=path, symbol=symbol, data=data, lines=lines)
    return next(_prices_of([content], config))


def is_price_table(path: Path, config: DataConfig) -> bool:
    """Whether a file begins like a table of prices: a date for each row, with a header or not."""
    try:
        with open_file(path, follow_symlinks=config.follow_symlinks) as file:
            start = next(file_chunks(file, path), b"")[:N_SNIFFED]
        whole = start[: start.rfind(b"\n") + 1] if len(start) == N_SNIFFED else start
        cells = csv_cells(whole, path=str(path), config=config)
    except UnusableFileError as error:
        return error.number is Issue.MISSING_COLUMN  # a header row
    frame, _ = with_date_column(cells.frame, config, path=str(path))
    return "session" in column_map(frame.columns, config.columns).values()


def _read(path: Path, config: DataConfig) -> CsvContent | UncheckedPrices:
    """The file's content; its prices at once where it is refused, or too large to wait."""
    try:
        with open_file(path, follow_symlinks=config.follow_symlinks) as file:
            blocks = line_blocks(file_chunks(file, path))
            first, second = next(blocks, b""), next(blocks, None)
            if second is None:
                return _content(first, path=path, config=config)
            prices = _prices_in_blocks(chain([first, second], blocks), path, config)
            if prices is None:
                refuse_unreadable(first, path=str(path), config=config)
                file.seek(0)
                data = _joined(file_chunks(file, path))
                prices = _prices_by_cell(_content(data, path=path, config=config), config)
            return prices
    except UnusableFileError as error:
        return error.refusal(str(path))


def _joined(chunks: Iterable[bytes]) -> bytes:
    """The text of a file that must be read record by record. Raises: UnusableFileError (14)."""
    text = io.BytesIO()
    for block in line_blocks(chunks):
        if text.tell() + len(block) > MAX_ODD_BYTES:
            must = "plain lines alone in a file of more than 256 MiB"
            found = "more than 256 MiB with quotes, other separators, odd cells or uneven lines"
            raise oversized_error(found, must=must)
        text.write(block)
    return text.getvalue()


def _content(data: bytes, *, path: Path, config: DataConfig) -> CsvContent:
    partitions = partitions_of(path)  # are columns as well: such a file is read alone
    is_plain = has_plain_settings(config) and not partitions
    return CsvContent(
        path=str(path),
        symbol=symbol_of(path, config.symbols) or UNNAMED,
        data=data,
        lines=plain_lines(data) if is_plain else None,
        partitions=partitions,
    )


def _may_join(waiting: Sequence[CsvContent], new: CsvContent | UncheckedPrices) -> bool:
    """Whether the file may be parsed together with those that wait."""
    if isinstance(new, UncheckedPrices) or new.lines is None or waiting[0].lines is None:
        return False
    n_bytes = len(new.data) + sum(len(content.data) for content in waiting)
    return new.lines.header == waiting[0].lines.header and n_bytes <= BLOCK


def _prices_of(contents: Sequence[CsvContent], config: DataConfig) -> Iterator[UncheckedPrices]:
    """The files together; one by one where any needs a closer look."""
    together = _prices_together(contents, config)
    if together is not None:
        yield together
    elif len(contents) > 1:
        for content in contents:
            yield from _prices_of([content], config)
    else:
        (content,) = contents
        try:
            yield _prices_by_cell(content, config)
        except UnusableFileError as error:
            yield error.refusal(content.path)


def _prices_together(contents: Sequence[CsvContent], config: DataConfig) -> UncheckedPrices | None:
    lines = [content.lines for content in contents if content.lines is not None]
    if len(lines) < len(contents):
        return None
    frame = parse_plain_rows(b"\n".join(line.body for line in lines), lines[0].header, config)
    if frame is None:
        return None
    batch = FileBatch(
        paths=[content.path for content in contents],
        symbols=[content.symbol for content in contents],
        heights=[line.n_rows for line in lines],
        frame=frame,
    )
    prices = batch_prices(batch, config)
    notes = [note for content in contents for note in _line_end_notes(content)]
    return None if prices is None else _with_notes(prices, notes)


def _line_end_notes(content: CsvContent) -> list[Finding]:
    lines = content.lines
    if lines is None or not lines.n_crlf:
        return []
    return [line_end_note(n_crlf=lines.n_crlf, n_lf=lines.n_lf, path=content.path)]


def _prices_in_blocks(
    blocks: Iterable[bytes], path: Path, config: DataConfig
) -> UncheckedPrices | None:
    """A large file of plain lines, each block typed before the next is read; None in doubt."""
    if not has_plain_settings(config) or partitions_of(path):
        return None
    header: bytes | None = None
    builder = FrameBuilder()
    n_crlf = n_lf = n_rows = 0
    for block in blocks:
        lines = plain_lines(block, header=header)
        frame = None if lines is None else parse_plain_rows(bytes(lines.body), lines.header, config)
        if lines is None or frame is None:
            return None
        header = lines.header
        n_crlf, n_lf = n_crlf + lines.n_crlf, n_lf + lines.n_lf
        builder.add(frame)
        n_rows += lines.n_rows
        if n_rows > MAX_ROWS:
            raise oversized_error(f"more than {MAX_ROWS:,} rows", must="at most 20 million rows")
    rows = builder.frame()
    batch = FileBatch(
        paths=[str(path)],
        symbols=[symbol_of(path, config.symbols) or UNNAMED],
        heights=[rows.height],
        frame=rows,
    )
    prices = batch_prices(batch, config)
    note = [line_end_note(n_crlf=n_crlf, n_lf=n_lf, path=str(path))] if n_crlf else []
    return None if prices is None else _with_notes(prices, note)


def _prices_by_cell(content: CsvContent, config: DataConfig) -> UncheckedPrices:
    """The prices of a file read as text, cell by cell. Raises: UnusableFileError."""
    path = content.path
    cells = csv_cells(content.data, path=path, config=config)
    if any(finding.response == "E" for finding in cells.findings):
        return UncheckedPrices(path=path, frame=None, findings=cells.findings)
    fault = partition_fault(cells.frame, content.partitions, config, path=path)
    if fault is not None:
        return UncheckedPrices(path=path, frame=None, findings=(fault,))
    frame = with_partitions(cells.frame, content.partitions)
    frame, of_dates = with_date_column(frame, config, path=path)
    prices = unchecked_prices(
        frame, path=path, rows=cells.rows, symbol=content.symbol, config=config
    )
    prices = replace(prices, settled={**prices.settled, **cells.settled})
    return _with_notes(prices, [*cells.findings, *of_dates])


def _with_notes(prices: UncheckedPrices, notes: Sequence[Finding]) -> UncheckedPrices:
    return replace(prices, findings=(*notes, *prices.findings)) if notes else prices
