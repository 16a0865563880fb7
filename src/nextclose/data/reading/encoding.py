"""The bytes of a CSV file as lines of UTF-8: encoding, line ends, and the caps on them."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.reading.file_errors import UnusableFileError
from nextclose.errors import ConfigError, Finding

MAX_LINE = 1 << 20
MAX_FIELD = 64 << 10
MAX_COLUMNS = 16_384  # a column takes some 3 KB besides its cells: 48 MB at most
BLOCK = 4 << 20  # bytes parsed at once: more is slower, as memory comes page by page

FOREIGN = {  # leading bytes -> what the file is
    b"PAR1": "Parquet",
    b"PK\x03\x04": "a ZIP archive or a spreadsheet",
    b"PK\x05\x06": "an empty ZIP archive",
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x89HDF": "HDF5",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"version https://git-lfs": "a Git LFS pointer",
    **dict.fromkeys(
        (b"<!", b"<?", b"<html", b"<head", b"<body", b"<table", b"<div", b"<script"), "HTML or XML"
    ),  # not every "<": some vendors write <DATE>,<OPEN>
    b"{": "JSON",
    b"[": "JSON",
}
CURES = {
    "Parquet": "name it .parquet.",
    "gzip": "name it .csv.gz.",
    "zstd": "name it .csv.zst.",
    "a ZIP archive or a spreadsheet": "name it .zip, or export the spreadsheet as CSV.",
    "a Git LFS pointer": "fetch the file itself: git lfs pull.",
}

MARKS = {  # leading bytes -> the encoding they mark; the longer first, as one begins another
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
WIDE = {  # which bytes of a character of a CSV are 0
    "utf-32-le": (0, 1, 1, 1),
    "utf-32-be": (1, 1, 1, 0),
    "utf-16-le": (0, 1),
    "utf-16-be": (1, 0),
}


def utf8_text(data: bytes, *, path: str, config: DataConfig) -> tuple[bytes, tuple[Finding, ...]]:
    """The text as UTF-8 without byte-order mark. Raises: UnusableFileError, ConfigError."""
    _refuse_foreign(data)
    notes: tuple[Finding, ...] = ()
    if _codec(config.encoding) != "utf-8":
        return _utf8_of(data, config.encoding), notes
    if data.startswith(codecs.BOM_UTF8):
        data = data[len(codecs.BOM_UTF8) :]
        notes = (Issue.BYTE_ORDER_MARK.finding("a byte-order mark", path=path),)
    if data.startswith(tuple(MARKS)):
        raise _encoding_error(data, 0)
    _refuse_wide(data)
    if b"\0" in data:
        raise UnusableFileError(
            Issue.NUL_BYTE,
            f"byte 0x00 at offset {data.index(0)}",
            row=_row_at(data, data.index(0)),
        )
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as error:
            raise _encoding_error(data, error.start) from None
    return data, notes


def refuse_unreadable(start: bytes, *, path: str, config: DataConfig) -> None:
    """What the first lines of a file tell of all of it. Raises: as `utf8_text` does."""
    if _codec(config.encoding) == "utf-8":  # another encoding may end amid a character
        utf8_text(start, path=path, config=config)


def _refuse_foreign(data: bytes) -> None:
    head = data[:64].lstrip()
    start = head.lower() if head.startswith(b"<") else head
    kind = next((kind for lead, kind in FOREIGN.items() if start.startswith(lead)), None)
    if kind:
        fix = CURES.get(kind)
        raise UnusableFileError(Issue.OTHER_FORMAT, f"this is {kind}, not CSV", fix=fix)


def _codec(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except (LookupError, ValueError):  # a NUL in it, or half a character
        raise ConfigError(
            f"[data] encoding = {name!r} is not known. Fix: name one, as in 'latin-1'.",
            section="data",
            key="encoding",
        ) from None


def _utf8_of(data: bytes, encoding: str) -> bytes:
    try:
        text = data.decode(encoding).encode()
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        raise UnusableFileError(
            Issue.NOT_UTF8,
            f"byte 0x{data[start]:02x} at offset {start}",
            must=f"text in the encoding {encoding}",
            fix="name its encoding: --encoding NAME.",
        ) from None
    except LookupError:  # a codec of bytes, as "hex"
        raise ConfigError(
            f"[data] encoding = {encoding!r} is none of text. Fix: name one, as in 'latin-1'.",
            section="data",
            key="encoding",
        ) from None
    text = text.removeprefix(codecs.BOM_UTF8)
    if b"\0" in text:
        found = f"a NUL character at position {text.index(0)}"
        fix = "name its encoding: --encoding NAME."
        raise UnusableFileError(Issue.NUL_BYTE, found, must="text without NUL characters", fix=fix)
    return text


def _refuse_wide(data: bytes) -> None:
    """Two or four bytes for each character, and no mark that says so."""
    for codec, places in WIDE.items():
        head = data[: len(data[:64]) // len(places) * len(places)]
        zeros = [head[k :: len(places)] for k, is_zero in enumerate(places) if is_zero]
        others = b"".join(head[k :: len(places)] for k, is_zero in enumerate(places) if not is_zero)
        if len(head) >= 4 and not b"".join(zeros).strip(b"\0") and b"\0" not in others:
            raise UnusableFileError(
                Issue.NOT_UTF8,
                f"byte 0x00 at offset {head.index(0)}",
                fix=f'save as UTF-8, or --encoding {codec} (data.encoding = "{codec}").',
            )


def _encoding_error(data: bytes, start: int) -> UnusableFileError:
    marked = next((codec for mark, codec in MARKS.items() if data.startswith(mark)), None)
    codec, value = (marked, f'"{marked}"') if marked else ("NAME", "NAME, as in cp1252")
    return UnusableFileError(
        Issue.NOT_UTF8,
        f"byte 0x{data[start]:02x} at offset {start}",
        fix=f"save as UTF-8, or --encoding {codec} (data.encoding = {value}).",
        row=_row_at(data, start),
    )


def _row_at(data: bytes, offset: int) -> int:
    """The physical line that holds the byte at `offset`."""
    before = data[:offset].replace(b"\r\n", b"\n")
    return before.count(b"\n") + before.count(b"\r") + 1


def with_lf_ends(text: bytes, *, path: str) -> tuple[bytes, tuple[Finding, ...]]:
    """The lines each ended by LF. Raises: UnusableFileError for a line over the cap."""
    notes: tuple[Finding, ...] = ()
    if b"\r" in text:
        n_crlf, n_cr, n_lf = text.count(b"\r\n"), text.count(b"\r"), text.count(b"\n")
        ends = {"n_crlf": n_crlf, "n_cr": n_cr - n_crlf, "n_lf": n_lf - n_crlf}
        notes = (line_end_note(**ends, path=path),)
        text = _with_lf(text)
    if has_line_over(text, MAX_LINE):
        raise long_line_error(_first_long_row(text))
    return text, notes


def line_end_note(*, n_crlf: int, n_lf: int, n_cr: int = 0, path: str) -> Finding:
    """Rule 7, of a file with line ends other than LF."""
    kinds = {"CRLF": n_crlf, "CR": n_cr, "LF": n_lf}
    found = " and ".join(kind for kind, n in kinds.items() if n) + " line ends"
    return Issue.LINE_ENDS.finding(found, path=path)


def long_line_error(row: int) -> UnusableFileError:
    """Rule 14: the line is over the cap."""
    return UnusableFileError(Issue.OVERSIZED_TABLE, "a line of more than 1 MiB", row=row)


def has_line_over(text: bytes, limit: int) -> bool:
    """Whether `limit` bytes or more follow each other without an LF or a CR."""
    at = 0
    while len(text) - at > limit:
        end = text.rfind(b"\n", at, at + limit + 1)
        if end < 0:
            end = text.rfind(b"\r", at, at + limit + 1)
        if end < 0:
            return True
        at = end + 1
    return False


def _first_long_row(text: bytes) -> int:
    return next(k for k, line in enumerate(text.split(b"\n"), 1) if len(line) > MAX_LINE)


def line_blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks of whole lines, some `BLOCK` bytes each; none is empty.

    Raises: UnusableFileError (14) where a line is over the cap: no more is read than its block.
    """
    rest, n_rows = b"", 0
    for piece in _pieces(chunks):
        block = rest + piece if rest else piece
        if has_line_over(block, MAX_LINE):
            raise long_line_error(n_rows + _first_long_row(_with_lf(block)))
        end = block.rfind(b"\n") + 1
        if len(piece) < BLOCK:  # the last one
            end = len(block)
        if end:
            n_rows += block.count(b"\n", 0, end)
            yield block if end == len(block) else block[:end]
        rest = block[end:]
    if rest:
        yield rest


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of at least `BLOCK` bytes, but for the last."""
    waiting: list[bytes] = []
    for chunk in chunks:
        waiting.append(chunk)
        if sum(map(len, waiting)) >= BLOCK:
            yield b"".join(waiting)
            waiting = []
    if waiting:
        yield b"".join(waiting)


def _with_lf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
