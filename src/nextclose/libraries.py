"""Libraries that only some uses need: one that is missing is named when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.metadata import distributions
from json import loads

from nextclose.errors import LibraryError

EXTRAS = {  # library -> the extra of this package that installs it
    "torch": "train",
    "talib": "indicators",
    "xgboost": "trees",
    "psycopg": "postgres",
    "yfinance": "yahoo",
    "vaderSentiment": "news",
}
SHOWN = {"talib": "TA-Lib", "vaderSentiment": "VADER"}  # where people know it by another name
OPENMP = ("libgomp", "libomp", "openmp")  # in the words of whoever misses it


def require(library: str, *, needed_by: str) -> None:
    """Import a library before work that needs it begins. Raises: LibraryError."""
    with library_errors(library, needed_by=needed_by):
        import_module(library)


@contextmanager
def library_errors(
    library: str, *, needed_by: str, instead: str = "choose models that do without"
) -> Iterator[None]:
    """Within, which imports it, a library that cannot be had is a LibraryError.

    `instead`: how to do without it, after "or"; "": there is no way.
    """
    try:
        yield
    except (ImportError, OSError, ValueError) as error:  # XGBoost's own error is a ValueError
        reason, cure = _reason_and_cure(error, library)
        raise LibraryError(
            needed_by, SHOWN.get(library, library), reason=reason, cure=cure, instead=instead
        ) from error


@cache
def pip_install(extra: str, *, flags: str = "") -> str:
    """The command that adds an extra to this package from where it was installed.

    By its name where an index gave it; a checkout, a file or a repository of PEP 610 is named, for
    the index may not have it, or have another of that name.
    """
    start = f"pip install {flags}"
    texts = (each.read_text("direct_url.json") for each in distributions(name="nextclose"))
    origin = loads(next(filter(None, texts), "{}"))  # a checkout is found twice: installed, built
    url = origin.get("url", "")
    if url.startswith("file:"):
        edit = "-e " if origin.get("dir_info", {}).get("editable") else ""
        place = url if "%" in url else url.removeprefix("file://")
        return f"{start}{edit}'{place}[{extra}]'"
    kind = origin.get("vcs_info", {}).get("vcs")
    where = f" @ {kind}+{url}" if kind else f" @ {url}" if url else ""
    return f"{start}'nextclose[{extra}]{where}'"


def _reason_and_cure(error: Exception, library: str) -> tuple[str, str]:
    """Why it cannot be had, and what to do."""
    extra = EXTRAS[library]
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] == library:
        return "is not installed", pip_install(extra)
    text = str(error)
    if any(name in text.lower() for name in OPENMP):
        return (
            "cannot be loaded without OpenMP",
            "install it (apt install libgomp1, dnf install libgomp, brew install libomp)",
        )
    first = text.strip().partition("\n")[0] or type(error).__name__
    return (
        f"cannot be loaded: {first:.120}",
        f"install it anew ({pip_install(extra, flags='--force-reinstall ')})",
    )
