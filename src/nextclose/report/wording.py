"""Words of the report: verdicts in plain English, and names without what is private in them."""

from __future__ import annotations

import re
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
SHORT_VERDICT_WORDS = {
    "VOID": "none",
    "TOO GOOD": "too good",
    "TOO SHORT": "too short",
    "WORSE": "worse",
    "BETTER": "better",
    "SIZE ONLY": "size",
    "POINT ONLY": "point",
    "NO EVIDENCE": "no evidence",
    "YARDSTICK": "yardstick",
}
# signs of a sentence in ASCII -> as they are set in type
SIGNS = (
    (re.compile(r"(?<![\w.)-])-(?=\d)"), "\N{MINUS SIGN}"),
    (re.compile(r"(?<=\d) %"), "%"),
    (
        re.compile(r"'(no change|up|down)'"),
        "\N{LEFT DOUBLE QUOTATION MARK}\\1\N{RIGHT DOUBLE QUOTATION MARK}",
    ),
    (re.compile(r"\bR2\b"), "R\N{SUPERSCRIPT TWO}"),
    (re.compile(r"(?<=[a-z])'(?=s?\b)"), "\N{RIGHT SINGLE QUOTATION MARK}"),
)


def typeset(sentence: str) -> str:
    """A sentence of the evaluation or the glossary, which are ASCII, as the page writes it.

    A true minus, per cent without a space, quotation marks; nothing else.
    """
    for sign, typed in SIGNS:
        sentence = sign.sub(typed, sentence)
    return sentence


def first_sentence(text: str) -> str:
    """Up to the first full stop that a space follows."""
    return text.partition(". ")[0].removesuffix(".") + "."


def truncation_note(n_all: int, n_shown: int, what: str) -> str:
    """How many of all there are a list shows; empty if it shows them all."""
    return f"Shown are {count(n_shown)} of {count(n_all)} {what}." if n_all > n_shown else ""


def file_name(path: str) -> str:
    """The last part of an absolute path or URL: no folder, server or password of the user."""
    if "://" in path:
        path = urlsplit(path).path
    return PureWindowsPath(path).name if path.startswith(("/", "\\")) or ":" in path else path
