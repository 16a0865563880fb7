"""One model's forecasts as they were handed in, whatever file they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from nextclose.errors import ForecastsError, printable
from nextclose.schema import Floats

# one row per forecast; null: not said
PLACES: Mapping[str, pl.DataType] = {
    "symbol": pl.String(),
    "origin": pl.Date(),
    "target": pl.Date(),
    "horizon": pl.Int32(),
    "actual": pl.Float64(),
    "row": pl.Int64(),  # of the file, the header is row 1
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Submission:
    """What a model said: for each row of `places` a value at each of `levels`, as it was written.

    A point is level 0.5 alone. `scale` is what the values are: prices, log returns, simple returns,
    or "auto" where nobody said. `source` is the file, `form` the format it was recognised as.
    """

    model: str
    form: str
    places: pl.DataFrame  # in PLACES
    levels: tuple[float, ...]  # rising, in (0, 1)
    values: Floats  # (row, level)
    scale: str = "auto"
    source: str = "frame"
    left_out: int = 0  # rows without any value


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Something about forecasts that their reader must know: a name for machines, a sentence.

    `figures` are those in the sentence. `is_grave`: the forecasts are not what they seem to be;
    otherwise how they were read.
    """

    name: str
    model: str
    sentence: str
    figures: Mapping[str, float] = field(default_factory=dict)
    is_grave: bool = True


def refused(found: str, *, expected: str, fix: str, where: str, row: int | None = None,
            column: str = "") -> ForecastsError:  # fmt: skip
    """The error for forecasts that cannot be judged, in one line."""
    place = printable(where)
    place += f" row {row}" if row is not None else ""
    place += f", column {printable(column)}" if column else ""
    text = f"{place}: found {printable(found)}; expected {expected}. Fix: {fix}"
    return ForecastsError(text, path=where, row=row, column=column)
