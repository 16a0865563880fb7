"""[I/O] The price files of a folder, its partitions included, and what was passed over there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nextclose.data.catalogue import Issue
from nextclose.data.reading.file_errors import UnusableFileError
from nextclose.data.sources.filenames import format_of, is_partition
from nextclose.errors import printable
from nextclose.formatting import quantity
from nextclose.schema import Finding

# Endings of what may be prices but is not read, and what that is.
OTHER_FORMATS = {
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "JSON"),
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"), "a spreadsheet"),
    **dict.fromkeys((".feather", ".arrow", ".ipc"), "Feather"),
    **dict.fromkeys((".h5", ".hdf", ".hdf5"), "HDF5"),
    **dict.fromkeys((".pkl", ".pickle", ".npy", ".npz"), "of Python"),
    **dict.fromkeys((".rds", ".rda", ".rdata"), "of R"),
    **dict.fromkeys((".db", ".sqlite", ".sqlite3", ".duckdb"), "a database"),
    **dict.fromkeys((".bz2", ".xz", ".7z", ".rar", ".tar", ".tgz", ".lz4"), "packed otherwise"),
    **dict.fromkeys((".bak", ".old", ".orig"), "a copy"),
    **dict.fromkeys((".part", ".tmp", ".crdownload"), "a download that did not end"),
    ".txt": "no table of prices",
}
# Names that cannot be prices: nothing is said of them.
DOCUMENT_SUFFIXES = frozenset(
    (
        *(".md", ".rst", ".pdf", ".html", ".htm", ".doc", ".docx", ".tex", ".log"),
        *(".py", ".ipynb", ".r", ".sh", ".bat", ".ps1", ".sql", ".js", ".toml", ".yaml", ".yml"),
        *(".ini", ".cfg", ".lock", ".png", ".jpg", ".jpeg", ".svg", ".gif", ".url", ".lnk"),
        *(".crc", ".md5", ".sha256", ".sig"),
    )
)
DOCUMENTS = {
    *("readme", "license", "licence", "copying", "changelog", "notice", "authors"),
    *("makefile", "dockerfile", "thumbs", "desktop", "requirements"),
}
N_NAMED = 8  # files passed over that are named; the rest are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderFiles:
    """The price files of a folder in their order, and the names of others, each with the reason."""

    paths: tuple[Path, ...]
    passed_over: tuple[str, ...]

    def finding(self, folder: Path) -> Finding | None:
        """The warning (W17) that names what was passed over; None if nothing was."""
        if not self.passed_over:
            return None
        return Issue.UNKNOWN_FORMAT.finding(
            f"{quantity(len(self.passed_over), 'file')} passed over: {self.text()}",
            response="W",
            fix="export them as CSV or Parquet, if they are prices.",
            path=str(folder),
        )

    def text(self) -> str:
        """The first of them, and how many more."""
        n_more = len(self.passed_over) - N_NAMED
        more = f" and {n_more} more" if n_more > 0 else ""
        return ", ".join(self.passed_over[:N_NAMED]) + more


def folder_files(folder: Path, *, is_table: Callable[[Path], bool]) -> FolderFiles:
    """What a folder holds, and the folders in it that are partitions (symbol=AAPL), at any depth.

    `is_table` says of a .txt file whether it holds a table of prices. Raises: OSError.
    """
    paths: list[Path] = []
    passed_over: list[str] = []
    for path in sorted(folder.iterdir()):
        if _is_document(path):
            continue
        if path.is_dir():
            inner = FolderFiles(paths=(), passed_over=())
            if is_partition(path) and not path.is_symlink():
                inner = folder_files(path, is_table=is_table)
            elif n_files := sum(1 for _ in price_files(path)):
                name = printable(path.name)
                passed_over.append(f"{name}/ (a folder with {quantity(n_files, 'price file')})")
            paths += inner.paths
            passed_over += inner.passed_over
        elif format_of(path) and (path.suffix.lower() != ".txt" or is_table(path)):
            paths.append(path)
        else:
            suffix = path.suffix.lower()
            kind = OTHER_FORMATS.get(suffix, f"ending in {suffix}" if suffix else "without ending")
            passed_over.append(f"{printable(path.name)} ({printable(kind)})")
    return FolderFiles(paths=tuple(paths), passed_over=tuple(passed_over))


def empty_folder(folder: Path, files: FolderFiles) -> UnusableFileError:
    """Why a folder gave no prices: nothing there, other formats, or folders one level deeper."""
    deeper = [inner.name for inner in _folders(folder) if any(price_files(inner))]
    fix = "put files ending in .csv or .parquet there."
    if deeper:
        fix = f"name the {len(deeper)} folders in it that hold some, as {folder.name}/{deeper[0]}."
    found = "no price files in this folder"
    if files.passed_over:
        found += f"; passed over: {files.text()}"
    return UnusableFileError(Issue.NO_FILE, found, must="at least one", fix=fix)


def price_files(folder: Path) -> Iterator[Path]:
    """The files right in a folder whose names say that they are read; nothing if it is closed."""
    try:
        files = list(folder.iterdir())
    except OSError:
        return
    yield from (file for file in files if format_of(file) and not _is_document(file))


def _folders(folder: Path) -> Sequence[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_dir() and not _is_document(path)]


def _is_document(path: Path) -> bool:
    """Whether a name cannot be that of prices: hidden, a program's own, or a text for people."""
    name = path.name.lower()
    stem = name.partition(".")[0]
    return (
        name.startswith((".", "_", "~$"))
        or Path(name).suffix in DOCUMENT_SUFFIXES
        or (stem in DOCUMENTS and not name.endswith((".csv", ".parquet")))
    )
