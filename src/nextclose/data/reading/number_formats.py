"""The ways in which files write numbers, and what tells two of them apart."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from nextclose.config import DataConfig

MARKS = {",": ",", ".": r"\.", "'": "['\u2019]", " ": "[ \u00a0\u202f]"}  # as regular expressions
DOTTED = r"^\d{1,3}(?:\.\d{3})+$"
FAR = 10  # times: no price moves so between rows of one unit


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFormat:
    """How a file writes numbers: its marks, the currency around each price, what means none."""

    decimal: str = "."
    thousands: str | None = None
    currency: str = ""
    missing: tuple[str, ...] = DataConfig().missing

    @property
    def pattern(self) -> str:
        """The form of a cell that this format reads, as a regular expression."""
        point = MARKS[self.decimal]
        whole = r"\d+"
        if self.thousands is not None:
            mark = MARKS[self.thousands]
            whole += rf"|\d{{1,3}}(?:{mark}\d{{3}})+"
            whole += r"|\d{1,2}(?:,\d{2})+,\d{3}" if self.thousands == "," else ""  # lakh, crore
        return rf"^[+-]?(?:(?:{whole})(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?$"

    @property
    def marked(self) -> str:
        """The form of a cell that shows one of this format's marks."""
        point = MARKS[self.decimal]
        forms = [rf"\d*{point}\d*"]
        if self.thousands is not None:
            forms.append(rf"\d{{1,3}}(?:{MARKS[self.thousands]}\d{{3}})+(?:{point}\d*)?")
        return rf"^[+-]?(?:{'|'.join(forms)})$"


# The plain one first; of two that give the same numbers the first is taken.
READINGS = tuple(
    NumberFormat(decimal=decimal, thousands=thousands)
    for decimal, other in ((".", ","), (",", "."))
    for thousands in (None, other, "'", " ")
)
ANY_READING = "|".join(reading.pattern for reading in READINGS)
MARKED_NUMBER = "|".join(reading.marked for reading in READINGS)


def has_dotted_thousands(text: pl.Series) -> bool:
    """Whether points between three digits may stand for thousands: 991 beside 1.011.

    All cells are then whole, or have three digits behind each point, and those with a point would
    be less than a tenth of all others.
    """
    is_dotted = text.str.contains(DOTTED)
    whole = text.filter(~is_dotted)
    if not is_dotted.any() or not len(whole) or not whole.str.contains(r"^\d{1,3}$").all():
        return False
    dotted = text.filter(is_dotted).cast(pl.Float64, strict=False).fill_null(0.0).to_numpy()
    return bool(dotted.max() * FAR < whole.cast(pl.Float64).to_numpy().min())
