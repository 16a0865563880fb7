"""The formats of forecasts that are recognised, each by its columns: one row of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from nextclose.judging.names import role_of, spelled, value_column
from nextclose.schema import QUANTILE_COLUMNS

Columns = Mapping[str, pl.DataType]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One way to write forecasts down, and how its columns are to be taken.

    `is_loose`: a column that says nothing by its name is a point forecast of the model it names.
    `components`: what stands before a level or a sample in a name is a symbol, not a model.
    `unnamed`: what the model is called where the file does not say.
    """

    name: str
    matches: Callable[[Columns], bool]
    unnamed: str = "submission"
    is_loose: bool = False
    components: bool = False


def _has(*names: str) -> Callable[[Columns], bool]:
    return lambda columns: {*names} <= {spelled(column) for column in columns}


def _is_fev(columns: Columns) -> bool:
    return isinstance(columns.get("predictions"), pl.List | pl.Array) or (
        "predictions" in columns and any(_kind(name) == "level" for name in columns)
    )


def _is_darts(columns: Columns) -> bool:
    roles = [role_of(name) for name in columns]
    if "target" not in roles or {"model", "symbol", "origin"} & {*roles}:
        return False
    values = [value_column(name) for name in columns if not role_of(name)]
    return bool(values) and all(v and v.model and v.kind in ("level", "sample") for v in values)


def _is_tutorial(columns: Columns) -> bool:
    roles = {role_of(name) for name in columns}
    has_point = any(_kind(name) == "point" for name in columns)
    return roles <= {"", "target", "symbol", "actual"} and "actual" in roles and has_point


def _has_samples(columns: Columns) -> bool:
    return any(role_of(name) == "sample" or _kind(name) == "sample" for name in columns)


def _kind(name: str) -> str:
    column = None if role_of(name) else value_column(name)
    return column.kind if column else ""


_OURS = tuple(map(spelled, QUANTILE_COLUMNS))
# The first that matches is taken.
FORMATS = (
    Format(
        name="nextclose",
        matches=_has(*("symbol", "origin", "horizon_sessions", "model"), *_OURS),
    ),
    Format(name="fev", matches=_is_fev),
    Format(name="nixtla", matches=_has("unique_id", "ds"), is_loose=True),
    Format(name="prophet", matches=_has("ds", "yhat"), unnamed="prophet"),
    Format(name="autogluon", matches=_has("item_id", "timestamp", "mean"), unnamed="autogluon"),
    Format(name="darts", matches=_is_darts, unnamed="darts", components=True),
    Format(name="sample paths", matches=_has_samples),
    Format(name="tutorial", matches=_is_tutorial),
    Format(name="plain", matches=lambda columns: True),
)  # fmt: skip


def format_of(frame: pl.DataFrame) -> Format:
    """The format of the frame, told by its columns."""
    columns = dict(frame.schema)
    return next(form for form in FORMATS if form.matches(columns))
