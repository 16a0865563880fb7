"""Frames put below each other as they come, each value in memory once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl


class FrameBuilder:
    """Blocks of one shape that become one frame, in one piece of memory a column.

    Joining blocks at the end would need all of them twice: numbers and dates are moved at once to
    arrays that grow where they are, as the system maps large ones anew instead of copying them.
    """

    def __init__(self) -> None:
        self._schema: pl.Schema | None = None
        self._arrays: dict[str, npt.NDArray[Any]] = {}
        self._nulls: dict[str, list[npt.NDArray[Any]]] = {}
        self._texts: dict[str, list[pl.Series]] = {}

    def add(self, block: pl.DataFrame) -> None:
        """Put the block below those before. Expects: numbers, dates and text, always the same."""
        self._schema = self._schema or block.schema
        for column in block:
            if column.dtype == pl.String:
                self._texts.setdefault(column.name, []).append(column)
            else:
                self._grow(column)

    def frame(self) -> pl.DataFrame:
        """All rows; the stack is empty afterwards."""
        schema, self._schema = self._schema or pl.Schema(), None
        return pl.DataFrame({name: self._column(name, kind) for name, kind in schema.items()})

    def _grow(self, column: pl.Series) -> None:
        values = column.to_physical()
        array = self._arrays.get(column.name)
        if array is None:
            array = np.empty(0, values.clear().to_numpy().dtype)
            self._arrays[column.name] = array
        n = len(array)
        if values.null_count():
            places = values.is_null().arg_true().to_numpy() + n
            self._nulls.setdefault(column.name, []).append(places)
            values = values.fill_null(0)
        array.resize(n + len(values), refcheck=False)  # nothing else looks at it
        array[n:] = values.to_numpy()

    def _column(self, name: str, kind: pl.DataType) -> pl.Series:
        if name in self._texts:
            return pl.concat(self._texts.pop(name), rechunk=True)
        column = pl.Series(name, self._arrays.pop(name)).cast(kind)
        if name in self._nulls:
            column = column.scatter(np.concatenate(self._nulls.pop(name)), None)
        return column
