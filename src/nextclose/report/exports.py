"""What leaves for other programs: CSV that runs nothing, JSON without NaN, frames of pandas."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from nextclose.data.catalogue import Issue
from nextclose.errors import DataError, Finding

if TYPE_CHECKING:
    import pandas as pd

# What a spreadsheet takes for a formula, full-width forms too (catalogue 77, CVE-2021-41270).
FORMULA = "^[=+\\-@\t\r\n\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}" + (
    "\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}]"
)


def csv_text(frame: pl.DataFrame) -> str:
    """The frame as CSV: LF, shortest floats that read back equal, an empty cell for null.

    A text that a spreadsheet would run as a formula gets a `'` in front; numbers stay numbers.
    """
    is_live = pl.col(pl.String).str.contains(FORMULA)
    inert = pl.when(is_live).then("'" + pl.col(pl.String)).otherwise(pl.col(pl.String))
    return frame.with_columns(inert.name.keep()).write_csv()


def json_text(value: Any, *, what: str, indent: int | None = None) -> str:
    """The value as JSON; `what` names the document in a message.

    Raises: DataError (E79) naming each number that is not finite.
    """
    try:
        return json.dumps(value, indent=indent, allow_nan=False)
    except ValueError:
        raise DataError(tuple(_nonfinite_findings(value, what=what))) from None


def _nonfinite_findings(value: Any, *, what: str) -> Iterator[Finding]:
    for place, symbol, number in _nonfinite_numbers(value):
        found = f"{number} at {place or 'the top'}"
        yield Issue.NOT_FINITE.finding(found, path=what, symbol=symbol)


def _nonfinite_numbers(
    value: Any, place: str = "", symbol: str = ""
) -> Iterator[tuple[str, str, float]]:
    """Where numbers are not finite: key path, the symbol that the record around them names."""
    if isinstance(value, Mapping):
        symbol = str(value.get("symbol", symbol))
        for key, inner in value.items():
            yield from _nonfinite_numbers(inner, f"{place}.{key}" if place else str(key), symbol)
    elif isinstance(value, list | tuple):
        for k, inner in enumerate(value):
            yield from _nonfinite_numbers(inner, f"{place}[{k}]", symbol)
    elif isinstance(value, float) and not math.isfinite(value):
        yield place, symbol, value


def pandas_frame(frame: pl.DataFrame) -> pd.DataFrame:
    """The frame of pandas with these columns, column by column: no pyarrow is needed this way.

    Days are datetimes, null is NaN, NaT or None; whole numbers stay whole.
    Expects: no nested columns.
    """
    import pandas as pd

    def values(column: pl.Series) -> Any:
        if column.dtype == pl.Date:
            return column.cast(pl.Datetime("us")).to_numpy()
        return column.to_list() if column.dtype == pl.String else column.to_numpy()

    return pd.DataFrame({column.name: values(column) for column in frame})
