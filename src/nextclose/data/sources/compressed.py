"""[I/O] Compressed files expanded piece by piece, with caps, so that none fills the memory."""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, BinaryIO

from nextclose.data.catalogue import Issue
from nextclose.data.reading.encoding import BLOCK
from nextclose.data.reading.file_errors import UnusableFileError
from nextclose.data.sources.filenames import compression_of

MAX_BYTES = 2 << 30
FREE_BYTES = 16 << 20  # below, any ratio is fine: a small file of equal rows packs well
MAX_RATIO = 200
CHUNK = 1 << 20
ZSTD_WINDOW_LOG = 27  # 128 MiB

FAULTS = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError, struct.error),
)


def file_chunks(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """What a file holds, in pieces, unpacked where its name says so. Raises: UnusableFileError."""
    suffix = compression_of(path)
    if suffix:
        yield from decompress(file, suffix=suffix)
        return
    n_bytes = os.fstat(file.fileno()).st_size
    if n_bytes > MAX_BYTES:
        raise oversized_error(f"{n_bytes} bytes, more than 2 GiB", must="at most 2 GiB of text")
    while chunk := file.read(BLOCK):
        yield chunk


def decompress(file: BinaryIO, *, suffix: str) -> Iterator[bytes]:
    """What a .gz, .zst or .zip file holds, in pieces. Raises: UnusableFileError (15)."""
    n_packed = os.fstat(file.fileno()).st_size
    n = 0
    if not n_packed:
        return
    try:
        for piece in DECOMPRESSORS[suffix](file):
            n += len(piece)
            if n > MAX_BYTES:
                raise _bomb_error(f"more than 2 GiB in a file of {n_packed} bytes")
            if n > FREE_BYTES and n > MAX_RATIO * n_packed:
                raise _bomb_error(f"more than {MAX_RATIO} times the file's {n_packed} bytes")
            yield piece
    except FAULTS as error:
        raise _archive_error(f"this does not unpack: {error}", suffix) from None


def oversized_error(found: str, *, must: str) -> UnusableFileError:
    """Rule 14: more than may come into memory."""
    fix = "export it as Parquet, or in parts: a folder of several files."
    return UnusableFileError(Issue.OVERSIZED_TABLE, found, must=must, fix=fix)


def _bomb_error(found: str) -> UnusableFileError:
    must = f"at most 2 GiB, and past 16 MiB at most {MAX_RATIO} times the file"
    return UnusableFileError(
        Issue.UNSAFE_ARCHIVE, found, must=must, fix="unpack the file and give its CSV."
    )


def _archive_error(found: str, suffix: str) -> UnusableFileError:
    return UnusableFileError(
        Issue.UNSAFE_ARCHIVE,
        found,
        must=f"a whole {suffix} file",
        fix="get the file again, or give its CSV.",
    )


def _gzip(file: BinaryIO) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=file) as content:
        yield from _pieces(content)


def _zip(file: BinaryIO) -> Iterator[bytes]:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) != 1:
            found = f"{len(members)} members"
            raise UnusableFileError(
                Issue.UNSAFE_ARCHIVE,
                found,
                must="a ZIP of one file",
                fix="pack each file on its own.",
            )
        _refuse_odd_member(members[0])
        with archive.open(members[0]) as content:
            yield from _pieces(content)


def _refuse_odd_member(member: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(member.external_attr >> 16)
    if not member.filename or member.is_dir() or kind not in (0, stat.S_IFREG):
        raise _archive_error("a member that is no regular file", ".zip")
    if member.flag_bits & 1:
        raise _archive_error("an encrypted member", ".zip")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _archive_error(f"compression method {member.compress_type}", ".zip")


def _zstd(file: BinaryIO) -> Iterator[bytes]:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    options = {int(zstd.DecompressionParameter.window_log_max): ZSTD_WINDOW_LOG}
    try:
        yield from _pieces(zstd.ZstdFile(file, options=options))
    except zstd.ZstdError as error:
        raise _archive_error(f"this does not unpack: {error}", ".zst") from None


def _pieces(content: io.BufferedIOBase | IO[bytes]) -> Iterator[bytes]:
    with closing(content):
        while piece := content.read(CHUNK):
            yield piece


DECOMPRESSORS: dict[str, Callable[[BinaryIO], Iterator[bytes]]] = {
    ".gz": _gzip,
    ".zip": _zip,
    ".zst": _zstd,
}
