"""A frame of forecasts in any recognised format, as submissions: one for each of its models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from nextclose.judging.cells import dates, numbers, whole_numbers
from nextclose.judging.formats import Format, format_of
from nextclose.judging.grid import normal_quantiles, sample_quantiles
from nextclose.judging.names import ValueColumn, role_of, spelled, value_column
from nextclose.judging.submission import PLACES, Submission, refused
from nextclose.schema import LEVELS, QUANTILE_COLUMNS, Floats

PROPHET_WIDTH = 0.8  # of its ranges, unless it is told otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a caller says about forecasts that their columns do not.

    `symbol` is that of forecasts which name none; `model` what to call them; `width` the nominal
    coverage of yhat_lower and yhat_upper.
    """

    symbol: str = ""
    model: str = ""
    scale: str = "auto"
    width: float = PROPHET_WIDTH
    where: str = "frame"


def submissions_of(frame: pl.DataFrame, told: Reading) -> list[Submission]:
    """The models of the frame, in the order in which they come.

    Raises: ForecastsError with the cell that cannot be read, or the column that is missing.
    """
    if not frame.width:
        raise refused("no columns", expected="a table of forecasts", fix="export them again.",
                      where=told.where)  # fmt: skip
    if not frame.height:
        raise refused("no rows", expected="at least one forecast", fix="export them again.",
                      where=told.where)  # fmt: skip
    form = format_of(frame)
    frame = frame.with_columns(pl.Series("__row", np.arange(frame.height) + 2))
    if form.name == "fev":
        frame = _exploded(frame)
    owner = next((name for name in frame.columns if role_of(name) == "model"), None)
    if owner is None or form.name == "nextclose":
        return _joined(_submissions(frame, form, told))
    parts = []
    for (model,), part in frame.partition_by(owner, as_dict=True, maintain_order=True).items():
        stated = [s.name for s in part if s.null_count() < part.height or role_of(s.name)]
        named = replace(told, model=str(model))  # a point beside others' quantiles has none
        parts += _submissions(part.select(stated).drop(owner), form, named)
    return _joined(parts)


def _submissions(frame: pl.DataFrame, form: Format, told: Reading) -> list[Submission]:
    """The models whose columns stand side by side."""
    columns = {role_of(name): name for name in reversed(frame.columns) if role_of(name)}
    if form.name == "nextclose":
        columns = {"symbol": "symbol", "origin": "origin", "horizon": "horizon_sessions",
                   "model": "model"}  # fmt: skip
    places = _places(frame, columns, told)
    names = [name for name in frame.columns if name not in columns.values() and name != "__row"]
    values = _value_columns(names, frame, form, told)
    models = frame["model"].cast(pl.String) if form.name == "nextclose" else None
    parts = []
    for owner in dict.fromkeys(column.model for column in values):
        own = [column for column in values if column.model == owner]
        read = _values(frame, own, columns.get("sample"), places, told)
        parts += list(_by_model(read, owner, models, form, told))
    return parts


def _places(frame: pl.DataFrame, columns: dict[str, str], told: Reading) -> pl.DataFrame:
    """Symbol, origin, target, horizon and actual of each row, in PLACES."""
    if "origin" not in columns and "target" not in columns:
        raise refused(
            f"columns {', '.join(name for name in frame.columns[:8] if name != '__row')}",
            expected="a column of dates: origin (the last close known) or target_date",
            fix="add one, dates as YYYY-MM-DD.",
            where=told.where,
        )
    n, where = frame.height, told.where
    parts: dict[str, pl.Series] = {"row": frame["__row"].cast(pl.Int64)}
    for place, kind in PLACES.items():
        if place in columns:
            parts[place] = _place(frame[columns[place]], place, where=where)
        elif place != "row":
            parts[place] = pl.Series(place, [None] * n, dtype=kind)
    if "symbol" not in columns:
        parts["symbol"] = pl.repeat(told.symbol or None, n, dtype=pl.String, eager=True)
    for place in ("symbol", "origin", "target"):
        if place in columns and parts[place].null_count():
            row = int(np.flatnonzero(parts[place].is_null().to_numpy())[0])
            raise refused("an empty cell", expected=f"the {place} of each forecast",
                          fix="fill it, or leave the row out.", where=where,
                          row=int(parts["row"][row]), column=columns[place])  # fmt: skip
    return pl.DataFrame([parts[place].alias(place) for place in PLACES])


def _place(column: pl.Series, place: str, *, where: str) -> pl.Series:
    """A column as what its place holds."""
    if place in ("origin", "target"):
        return dates(column, where=where)
    if place == "horizon":
        return whole_numbers(column, where=where)
    if place == "actual":
        return pl.Series(numbers(column, where=where)).fill_nan(None)
    return column.cast(pl.String)


def _value_columns(
    names: Sequence[str], frame: pl.DataFrame, form: Format, told: Reading
) -> list[ValueColumn]:
    """Columns that hold forecasts, and whose they are.

    Raises: ForecastsError if there are none, or a level is outside (0, 1).
    """
    if form.name == "nextclose":
        pairs = zip(QUANTILE_COLUMNS, LEVELS.tolist(), strict=True)
        return [ValueColumn(name, "", "level", level) for name, level in pairs]
    if form.name == "prophet":
        tail = (1.0 - told.width) / 2.0
        ours = (("yhat_lower", tail), ("yhat", 0.5), ("yhat_upper", 1.0 - tail))
        by_word = {spelled(name): name for name in names}
        return [ValueColumn(by_word[w], "", "level", q) for w, q in ours if w in by_word]
    values = []
    for name in names:
        column = value_column(name)
        if form.is_loose and (column is None or column.kind in ("point", "mean")):
            column = ValueColumn(name, name, "point") if _is_value(frame[name]) else None
        if column is not None:
            values.append(column)
    _check(values, names, told)
    if form.is_loose:  # NHITS, NHITS-lo-90: the first names the model of all
        values = [ValueColumn(v.name, v.model or told.model, v.kind, v.level) for v in values]
    elif not form.components and len({v.model for v in values if v.model}) <= 1:
        owner = next((v.model for v in values if v.model), "")
        values = [ValueColumn(v.name, owner, v.kind, v.level) for v in values]
    return values


def _is_value(column: pl.Series) -> bool:
    return column.dtype.is_numeric() or column.dtype == pl.String


def _check(values: Sequence[ValueColumn], names: Sequence[str], told: Reading) -> None:
    if not values:
        raise refused(
            f"columns {', '.join(names[:8]) or 'of dates and symbols alone'}",
            expected="a column of forecasts",
            fix="name it: prediction, or quantiles as 0.05, 0.5, 0.95, or mean and sd.",
            where=told.where,
        )
    for column in values:
        if column.kind == "level" and not 0.0 < column.level < 1.0:
            raise refused(f"level {column.level:g}", expected="levels between 0 and 1",
                          fix="name quantiles by their level, as 0.05 or q0.05.",
                          where=told.where, column=column.name)  # fmt: skip
    keys = [(v.model, v.kind, v.level) for v in values]
    for column, key in zip(values, keys, strict=True):
        if column.kind in ("level", "sample") and keys.count(key) > 1:
            raise refused(f"two columns of level {column.level:g}", expected="each level once",
                          fix="delete one of them.", where=told.where,
                          column=column.name)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Values:
    places: pl.DataFrame
    position: np.ndarray  # (row,) of the frame, what stands for several: the first
    levels: tuple[float, ...]
    values: Floats
    left_out: int


def _values(
    frame: pl.DataFrame,
    columns: Sequence[ValueColumn],
    sample: str | None,
    places: pl.DataFrame,
    told: Reading,
) -> _Values:
    """Levels and values of one model's columns; rows with none of them are left out.

    Raises: ForecastsError for a row with some of its values.
    """
    by_kind: dict[str, list[ValueColumn]] = {}
    for column in columns:
        by_kind.setdefault(column.kind, []).append(column)
    matrix = np.column_stack([numbers(frame[c.name], where=told.where) for c in columns])
    empty = np.isnan(matrix)
    if partly := np.flatnonzero(empty.any(axis=1) & ~empty.all(axis=1)).tolist():
        column = columns[int(np.flatnonzero(empty[partly[0]])[0])]
        raise refused("an empty cell", expected="all values of a forecast, or none of them",
                      fix="fill it, or leave the row out.", where=told.where,
                      row=int(places["row"][partly[0]]), column=column.name)  # fmt: skip
    kept = np.flatnonzero(~empty.any(axis=1))
    if not len(kept):
        raise refused("no number", expected="forecasts", fix="export them again.",
                      where=told.where, column=columns[0].name)  # fmt: skip
    parts = {
        kind: matrix[kept][:, [columns.index(c) for c in own]] for kind, own in by_kind.items()
    }
    places, left_out = places[kept], len(empty) - len(kept)
    if sample is not None:
        return _long_samples(places, frame[sample][kept], matrix[kept], kept, left_out)
    if "sample" in parts and parts["sample"].shape[1] > 1:
        return _Values(
            places, kept, tuple(LEVELS.tolist()), sample_quantiles(parts["sample"]), left_out
        )
    point = parts.get("point", parts.get("mean"))
    if "sd" in parts and point is not None:
        deviation = parts["sd"][:, 0]
        if (deviation < 0).any():
            row = int(places["row"][int(np.flatnonzero(deviation < 0)[0])])
            raise refused("a negative standard deviation", expected="sd >= 0",
                          fix="give the square root of the variance.", where=told.where,
                          row=row, column=by_kind["sd"][0].name)  # fmt: skip
        grid = normal_quantiles(point[:, 0], deviation)
        return _Values(places, kept, tuple(LEVELS.tolist()), grid, left_out)
    levels = {c.level: parts["level"][:, j] for j, c in enumerate(by_kind.get("level", []))}
    if point is not None and 0.5 not in levels:
        levels[0.5] = point[:, 0]
    if not levels:
        raise refused(f"column {columns[0].name} alone", expected="a mean beside it",
                      fix="add the mean or the point forecast.", where=told.where)  # fmt: skip
    rising = tuple(sorted(levels))
    return _Values(places, kept, rising, np.column_stack([levels[q] for q in rising]), left_out)


def _long_samples(
    places: pl.DataFrame, draws: pl.Series, matrix: Floats, kept: np.ndarray, left_out: int
) -> _Values:
    """One row a draw, as quantiles of all draws of one forecast."""
    keys = ["symbol", "origin", "target", "horizon"]
    grouped = (
        places.with_columns(pl.Series("__value", matrix[:, 0]), pl.Series("__at", kept))
        .group_by(keys, maintain_order=True)
        .agg(pl.col("actual").first(), pl.col("row").first(), "__value", pl.col("__at").first())
    )
    grid = np.stack([np.quantile(v.to_numpy(), LEVELS) for v in grouped["__value"]])
    at = grouped["__at"].to_numpy()
    return _Values(grouped.select(list(PLACES)), at, tuple(LEVELS.tolist()), grid, left_out)


def _by_model(
    read: _Values, owner: str, models: pl.Series | None, form: Format, told: Reading
) -> Iterator[Submission]:
    """The submissions of the values: by the model column, else by what the columns say."""
    places = read.places
    if form.components and owner:  # a component is a series
        is_price = bool(told.symbol) or role_of(owner) == "actual"  # close_q0.05: of one symbol
        places = places.with_columns(symbol=pl.lit(told.symbol or None if is_price else owner))
        owner = ""
    names = np.array([owner or told.model or form.unnamed] * places.height, dtype=object)
    if models is not None:
        names = models[read.position].fill_null("").to_numpy().astype(object)
    for name in dict.fromkeys(names.tolist()):
        mine = np.flatnonzero(names == name)
        yield Submission(
            model=str(name),
            form=form.name,
            places=places[mine],
            levels=read.levels,
            values=read.values[mine],
            scale="log returns" if form.name == "nextclose" else told.scale,
            source=told.where,
            left_out=read.left_out,
        )


def _joined(parts: Sequence[Submission]) -> list[Submission]:
    """Parts of one model, as those of several series side by side, as one."""
    by_model: dict[tuple[str, tuple[float, ...]], list[Submission]] = {}
    for part in parts:
        by_model.setdefault((part.model, part.levels), []).append(part)
    return [
        Submission(
            model=own[0].model,
            form=own[0].form,
            places=pl.concat([part.places for part in own]),
            levels=own[0].levels,
            values=np.concatenate([part.values for part in own]),
            scale=own[0].scale,
            source=own[0].source,
            left_out=sum(part.left_out for part in own),
        )
        for own in by_model.values()
    ]


def _exploded(frame: pl.DataFrame) -> pl.DataFrame:
    """One row a step, where a row holds the list of all steps of a window (fev)."""
    lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List | pl.Array)]
    if not lists:
        return frame
    steps = pl.int_ranges(1, pl.col(lists[0]).list.len() + 1)
    has_horizon = any(role_of(name) == "horizon" for name in frame.columns)
    return frame.with_columns([] if has_horizon else [steps.alias("horizon")]).explode(
        *lists, *([] if has_horizon else ["horizon"])
    )
