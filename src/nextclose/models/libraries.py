"""Libraries that only some models need: one that is missing is named when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nextclose.errors import LibraryError

EXTRAS = {"torch": "train", "xgboost": "cpu"}  # of this package, that install them
OPENMP = ("libgomp", "libomp", "openmp")  # in the words of whoever misses it


@contextmanager
def library_errors(library: str, *, model: str) -> Iterator[None]:
    """Within, which imports it, a library that cannot be had is a LibraryError."""
    try:
        yield
    except (ImportError, OSError, ValueError) as error:  # XGBoost's own error is a ValueError
        raise LibraryError(f"{model} needs {library}, {_reason(error, library)}") from error


def _reason(error: Exception, library: str) -> str:
    """Why it cannot be had, and what to do."""
    extra = f"nextclose[{EXTRAS[library]}]"
    if isinstance(error, ModuleNotFoundError) and error.name == library:
        return (
            f"which is not installed. Fix: pip install '{extra}', or choose models that do without."
        )
    text = str(error)
    if any(name in text.lower() for name in OPENMP):
        return (
            "which cannot be loaded without OpenMP. Fix: install it (apt install libgomp1, dnf "
            "install libgomp, brew install libomp), or choose models that do without."
        )
    first = text.strip().partition("\n")[0] or type(error).__name__
    return (
        f"which cannot be loaded: {first:.120}. Fix: install it anew (pip install "
        f"--force-reinstall '{extra}'), or choose models that do without."
    )
