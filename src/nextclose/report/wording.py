"""Words of the report: verdicts in plain English, and names without what is private in them."""

from __future__ import annotations

from pathlib import PureWindowsPath
from urllib.parse import urlsplit

from nextclose.formatting import count

# category of the verdict -> (the word people read first, its colour: only a hint)
VERDICT_WORDS = {
    "VOID": ("No verdict", "bad"),
    "TOO GOOD": ("Too good to be true", "caution"),
    "TOO SHORT": ("Too little data", "caution"),
    "WORSE": ("Worse", "bad"),
    "BETTER": ("Better", "good"),
    "SIZE ONLY": ("Size, not direction", "good"),
    "POINT ONLY": ("Point only", "caution"),
    "NO EVIDENCE": ("No evidence of skill", ""),
    "YARDSTICK": ("Yardstick", "beside"),
}


def truncation_note(n_all: int, n_shown: int, what: str) -> str:
    """How many of all there are a list shows; empty if it shows them all."""
    return f"Shown are {count(n_shown)} of {count(n_all)} {what}." if n_all > n_shown else ""


def file_name(path: str) -> str:
    """The last part of an absolute path or URL: no folder, server or password of the user."""
    if "://" in path:
        path = urlsplit(path).path
    return PureWindowsPath(path).name if path.startswith(("/", "\\")) or ":" in path else path
