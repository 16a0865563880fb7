"""[I/O] Windows in a folder: arrays and scalers of each symbol, and a manifest over all of them.

    windows.json                what the windows are, where the split cuts, sizes and SHA-256 of all
    symbols/AAPL.npz            the arrays of one symbol, or AAPL.parquet
    symbols/AAPL.scalers.json   how they are scaled, by fold and horizon

They are written symbol by symbol and take the place of earlier ones together.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import quote

from pydantic import Field

from nextclose.config import canonical_json
from nextclose.errors import BundleError, ConfigError, OutputError, WindowsError, printable
from nextclose.execution.in_turn import Progress, silent
from nextclose.folders import OpenFolder, current_place, open_folder
from nextclose.formatting import data_size
from nextclose.samples.window_codec import ENCODERS, scalers_bytes, windows_of
from nextclose.samples.window_facts import Facts, WindowFacts
from nextclose.samples.window_sets import SymbolWindows
from nextclose.serving.files import file_content, stamp, verified_content
from nextclose.serving.manifest import FileEntry, reason_of

FileFormat = Literal["npz", "parquet"]
Read = Callable[[str], SymbolWindows]  # of a symbol
FILE_FORMATS = get_args(FileFormat)
FORMAT = 1
SYMBOLS, MANIFEST = "symbols", "windows.json"
MANIFEST_BYTES = 64 << 20
N_TRIED = 500  # windows that are encoded to tell how large all will be
NAME_BYTES = 120  # of a symbol in a file's name; what is longer is cut and hashed
STEM = r"[A-Za-z0-9_~%-][A-Za-z0-9._~%-]*"


class SymbolFiles(Facts):
    """The two files of a symbol: their name without its ending, sizes and hashes."""

    stem: str = Field(pattern=f"^{STEM}$")
    arrays: FileEntry
    scalers: FileEntry


class WindowsManifest(WindowFacts):
    """What a folder of windows says of itself; every key is checked on load."""

    format: int
    file_format: FileFormat
    files: dict[str, SymbolFiles]  # by symbol
    checksum: str = ""  # SHA-256 of the rest of this manifest, as canonical JSON

    def sealed(self) -> WindowsManifest:
        """It with its checksum filled in."""
        values = self.model_copy(update={"checksum": ""}).model_dump(mode="json")
        digest = hashlib.sha256(canonical_json(values).encode()).hexdigest()
        return self.model_copy(update={"checksum": digest})


def windows_folder(path: Path) -> AbstractContextManager[OpenFolder]:
    """The folder of windows at `path` for this process alone.

    Raises: LockedError while another process has it; OutputError if it cannot be written.
    """
    return open_folder(path, parts=(SYMBOLS, MANIFEST), keys=("format", "file_format", "files"))


def fill_windows(
    place: OpenFolder,
    facts: WindowFacts,
    read: Read,
    *,
    file_format: FileFormat = "npz",
    progress: Progress = silent,
) -> None:
    """Write the windows of every symbol into a folder that is open, in the place of any there.

    One symbol is in memory at a time. Killed amid it, the folder holds what it held before.
    Raises: OutputError if it cannot be written, has too little room, or holds other files where
        ours would go.
    """
    if file_format not in FILE_FORMATS:
        formats = " or ".join(map(repr, FILE_FORMATS))
        raise ConfigError(f"file_format is {file_format!r:.60}. Fix: give {formats}.")
    _refuse_other_files(place.path)
    _refuse_full_disk(place.path, needed=size_on_disk(facts, read, file_format=file_format))
    place.replace(_files(facts, read, file_format, progress))


def size_on_disk(facts: WindowFacts, read: Read, *, file_format: FileFormat) -> int:
    """About how many bytes the files will take, told from the first windows of one symbol."""
    symbol = max(facts.symbols, key=lambda name: facts.symbols[name].windows)
    own = read(symbol)
    first = {
        name: getattr(own, name)[:N_TRIED]
        for name in ("origin", "close", "scale", "x", "y", "resolved")
    }
    few = SymbolWindows(**first, part=own.part[:, :N_TRIED], scalers=own.scalers)
    arrays = len(ENCODERS[file_format](few, facts)) / len(few.x) * facts.n_windows
    return int(arrays) + len(scalers_bytes(own.scalers, facts)) * len(facts.symbols)


def _files(
    facts: WindowFacts, read: Read, file_format: FileFormat, progress: Progress
) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file, the manifest last."""
    files: dict[str, SymbolFiles] = {}
    stems = file_stems(tuple(facts.symbols))
    progress("windows", 0, len(stems))
    for done, (symbol, stem) in enumerate(stems.items(), 1):
        own = read(symbol)
        arrays = ENCODERS[file_format](own, facts)
        scalers = scalers_bytes(own.scalers, facts)
        del own
        yield f"{SYMBOLS}/{stem}.{file_format}", arrays
        yield f"{SYMBOLS}/{stem}.scalers.json", scalers
        files[symbol] = SymbolFiles(stem=stem, arrays=_entry(arrays), scalers=_entry(scalers))
        progress("windows", done, len(stems))
    values: dict[str, Any] = {name: getattr(facts, name) for name in WindowFacts.model_fields}
    manifest = WindowsManifest(**values, format=FORMAT, file_format=file_format, files=files)
    yield (
        MANIFEST,
        (json.dumps(manifest.sealed().model_dump(mode="json"), indent=1) + "\n").encode(),
    )


def file_stems(symbols: tuple[str, ...]) -> dict[str, str]:
    """A name for the files of each symbol: safe on any disk, also one that ignores case."""
    stems: dict[str, str] = {}
    taken: set[str] = set()
    for symbol in symbols:
        stem = quote(symbol, safe="", errors="replace")
        if stem.startswith("."):
            stem = f"%2E{stem[1:]}"
        if len(stem) > NAME_BYTES or stem.casefold() in taken:
            digest = hashlib.sha256(symbol.encode(errors="replace")).hexdigest()[:8]
            stem = f"{stem[:NAME_BYTES]}~{digest}"
        taken.add(stem.casefold())
        stems[symbol] = stem
    return stems


def _entry(content: bytes) -> FileEntry:
    return FileEntry(size=len(content), sha256=hashlib.sha256(content).hexdigest())


def read_manifest(folder: Path) -> WindowsManifest:
    """The manifest of a folder. Raises: WindowsError."""
    path = folder / MANIFEST
    with _refusals(path, expected=f"a manifest of windows, format {FORMAT}"):
        content = file_content(folder, MANIFEST, limit=MANIFEST_BYTES)
        values = json.loads(content)
        number = values.get("format") if isinstance(values, dict) else None
        if type(number) is int and number > FORMAT:
            raise WindowsError(
                path=str(path),
                found=f"format {number}",
                expected=f"format {FORMAT}",
                fix="upgrade nextclose: a later version wrote these windows.",
            )
        manifest = WindowsManifest.model_validate_json(content)
        if number != FORMAT or manifest != manifest.sealed():
            raise ValueError("a text that its own checksum does not fit")
        if manifest.files.keys() != manifest.symbols.keys():
            raise ValueError("files of other symbols than it counts")
    return manifest


def reader_of(folder: Path, manifest: WindowsManifest) -> Read:
    """What reads the windows of a symbol when it is asked for them."""
    return partial(_read_symbol, folder, manifest, stamp(folder, MANIFEST))


def _read_symbol(
    folder: Path, manifest: WindowsManifest, begun: tuple[int, int] | None, symbol: str
) -> SymbolWindows:
    """The windows of a symbol as its two files hold them. Raises: WindowsError."""
    own, place = manifest.files[symbol], current_place(folder / SYMBOLS)
    arrays = f"{own.stem}.{manifest.file_format}"
    try:
        with _refusals(place / arrays, expected="the windows that were written"):
            return windows_of(
                verified_content(place, arrays, own.arrays),
                verified_content(place, f"{own.stem}.scalers.json", own.scalers),
                symbol=symbol,
                facts=manifest,
                file_format=manifest.file_format,
            )
    except WindowsError as error:
        if stamp(folder, MANIFEST) == begun:
            raise
        raise WindowsError(
            path=error.path,
            found="other windows than when they were loaded",
            expected="those",
            fix="call load_windows again: the folder was written anew meanwhile.",
        ) from error


@contextmanager
def _refusals(path: Path, *, expected: str) -> Iterator[None]:
    """Within, whatever goes wrong is the files' fault, and a WindowsError."""
    try:
        yield
    except (WindowsError, MemoryError):
        raise
    except BundleError as error:
        raise WindowsError(path=error.path, expected=error.expected, found=error.found) from error
    except Exception as error:
        raise WindowsError(path=str(path), expected=expected, found=reason_of(error)) from error


def _refuse_other_files(folder: Path) -> None:
    """Raise OutputError where files that are not ours would be replaced."""
    names = os.listdir(folder / SYMBOLS) if (folder / SYMBOLS).is_dir() else []
    ours: set[str] = set()
    if os.path.lexists(folder / MANIFEST):
        try:
            manifest = read_manifest(folder)
        except WindowsError as error:
            raise OutputError(
                f"{printable(str(folder / MANIFEST))} is there and no manifest that can be read; "
                "it is not replaced. Fix: choose another --out, or remove it.",
                path=str(folder / MANIFEST),
            ) from error
        for files in manifest.files.values():
            ours |= {f"{files.stem}.{manifest.file_format}", f"{files.stem}.scalers.json"}
    if foreign := sorted({*names} - ours):
        path = str(folder / SYMBOLS / foreign[0])
        raise OutputError(
            f"{printable(path)} is not of the windows there, and would be removed with them. "
            "Fix: choose another --out, or move it away.",
            path=path,
        )


def _refuse_full_disk(folder: Path, *, needed: int) -> None:
    """Raise OutputError where the files would not find room."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(
            f"the windows take about {data_size(needed)}, and {printable(str(folder))} has "
            f"{data_size(free)} free. Fix: choose another --out, fewer symbols, or parquet.",
            path=str(folder),
        )
