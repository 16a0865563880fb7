"""From a frame of forecasts to panels: every loss once, gaps charged, seeds beside their model."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from nextclose.data.catalogue import Issue
from nextclose.errors import DataError
from nextclose.evaluation.scores.foreign_metrics import NO_METRICS, metric_losses, try_metrics
from nextclose.evaluation.scores.losses import with_losses
from nextclose.evaluation.scores.panel import HISTORY_MODELS, Losses, Panel
from nextclose.evaluation.scores.seeds import seed_losses
from nextclose.metrics import Metric, percentage_error
from nextclose.schema import (
    FORECAST_SCHEMA,
    LEVELS,
    QUANTILE_COLUMNS,
    Bools,
    Dates,
    Floats,
    Ints,
)

_INSIDE = ("inside_50", "inside_80", "inside_90", "inside_95")
_ERRORS = ("absolute_error", "squared_error", "percentage_error")
_DENSITY_FIGURES = ("crps", *_INSIDE, "pit", "width_90_pct")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Scores:
    """Forecasts with what each of them cost, as rows and as panels: computed once, read by all.

    `frame` is `with_losses` of all forecasts; `panels` hold those whose outcome is known, one per
    horizon, shortest first.
    """

    frame: pl.DataFrame
    panels: tuple[Panel, ...]

    def __repr__(self) -> str:
        return f"Scores: {self.frame.height:,} forecasts, {len(self.panels)} horizons"


def scores_of(
    forecasts: pl.DataFrame,
    *,
    seeds: pl.DataFrame | None = None,
    metrics: Mapping[str, Metric] = NO_METRICS,
    unready: pl.DataFrame | None = None,
) -> Scores:
    """The scores of forecasts in any row order.

    `seeds`, in SEED_SCHEMA, is what single seeds of some of the models would have scored; `metrics`
    are foreign ones by name, a loss each beside ours. `unready` has model, symbol and origin of
    forecasts that nobody could expect, for lack of history: they are no gaps.
    Raises: DataError as `with_losses`, or if two models name different outcomes for one forecast;
        ConfigError naming a metric that has a name of ours, fails, or returns no losses.
    """
    check_metrics(metrics, columns=forecasts.columns)
    frame = with_losses(forecasts, metrics=metrics)
    return Scores(frame=frame, panels=tuple(_panels(frame, seeds, metrics, unready)))


def check_metrics(
    metrics: Mapping[str, Metric], *, columns: Collection[str] = tuple(FORECAST_SCHEMA)
) -> None:
    """Refuse foreign metrics that cannot stand beside ours: worth calling before a long backtest.

    Raises: ConfigError naming one that has a name of ours or of `columns`, or fails a short trial.
    """
    try_metrics(metrics, taken={*columns, *_ERRORS, *_DENSITY_FIGURES, "call", "point_only"})


def _panels(
    scored: pl.DataFrame,
    seeds: pl.DataFrame | None,
    metrics: Mapping[str, Metric],
    unready: pl.DataFrame | None,
) -> Iterator[Panel]:
    # without the quantiles, which are most of it: filtered, they would be there twice
    frame = scored.drop(QUANTILE_COLUMNS).filter(pl.col("target").is_not_null())
    names = pl.Enum(frame["symbol"].unique().sort())
    frame = frame.with_columns(pl.col("symbol").cast(names))
    if unready is not None:
        unready = unready.filter(pl.col("symbol").is_in(names.categories.implode())).with_columns(
            pl.col("symbol").cast(names)
        )
    for horizon in frame["horizon_sessions"].unique().sort():
        rows = frame.filter(pl.col("horizon_sessions") == horizon)
        panel = _panel(rows, int(horizon), metrics, unready)
        yield panel if seeds is None else _with_seeds(panel, seeds)


def _panel(
    frame: pl.DataFrame, horizon: int, metrics: Mapping[str, Metric], unready: pl.DataFrame | None
) -> Panel:
    present = frame["symbol"].unique().sort()
    codes = present.to_physical().to_numpy()
    origin = frame["origin"].unique().sort().to_numpy()
    shape = (len(origin), len(present))
    target, close = np.full(shape, np.nan), np.full(shape, np.nan)
    figures = (*_ERRORS, *_DENSITY_FIGURES, *metrics)
    issued: dict[str, Losses] = {}
    for (model,), part in sorted(frame.partition_by("model", as_dict=True).items()):
        cells = _cells(part, origin, codes)
        _require_same_outcome(target[cells], part)
        target[cells] = part["target"].to_numpy()
        close[cells] = part["close"].to_numpy()
        issued[str(model)] = _losses_on_grid(part, figures, cells, shape)
    unchanged = _losses_of_no_change(target, metrics)
    models = {
        name: _with_gaps_charged(
            losses, issued, unchanged, expected=~_unready_cells(unready, name, origin, codes)
        )
        for name, losses in issued.items()
    }
    return Panel(
        horizon_sessions=horizon,
        symbols=tuple(present.cast(pl.String)),
        origin=origin,
        close=close,
        target=target,
        unchanged=unchanged,
        models=models,
        metrics=tuple(metrics),
    )


def _cells(part: pl.DataFrame, origin: Dates, codes: Ints) -> tuple[Ints, Ints]:
    """Where rows of symbol and origin stand on the panel: positions of origins and of symbols."""
    return (
        np.searchsorted(origin, part["origin"].to_numpy()),
        np.searchsorted(codes, part["symbol"].to_physical().to_numpy()),
    )


def _unready_cells(unready: pl.DataFrame | None, model: str, origin: Dates, codes: Ints) -> Bools:
    """Cells of which a model has too little history. Shape (origin, symbol)."""
    cells = np.zeros((len(origin), len(codes)), dtype=np.bool_)
    if unready is not None:
        own = unready.filter(
            pl.col("model") == model,
            pl.col("origin").is_in(pl.Series(origin).implode()),
            pl.col("symbol").to_physical().is_in(pl.Series(codes).implode()),
        )
        cells[_cells(own, origin, codes)] = True
    return cells


def _with_seeds(panel: Panel, seeds: pl.DataFrame) -> Panel:
    here = seeds.filter(pl.col("horizon_sessions") == panel.horizon_sessions)
    models = dict(panel.models)
    for (model,), part in here.partition_by("model", as_dict=True).items():
        if model in models:
            losses = seed_losses(part, symbols=panel.symbols)
            models[str(model)] = replace(models[str(model)], seeds=losses)
    return replace(panel, models=models)


def _losses_on_grid(
    part: pl.DataFrame, names: tuple[str, ...], cells: tuple[Ints, Ints], shape: tuple[int, int]
) -> Losses:
    """The model's own forecasts scattered onto the panel, gaps not yet charged."""
    figures = {name: np.full(shape, np.nan) for name in names}
    for name, values in figures.items():
        values[cells] = part[name].cast(pl.Float64).to_numpy()
    issued, call = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.int64)
    issued[cells] = True
    call[cells] = part["call"].to_numpy()
    return Losses(
        model=str(part["model"][0]),
        point_only=bool(part["point_only"].all()),
        judged=issued,
        filled=np.zeros(shape, dtype=np.bool_),
        call=call,
        figures=figures,
    )


def _losses_of_no_change(target: Floats, metrics: Mapping[str, Metric]) -> dict[str, Floats]:
    """What an unchanged price costs in each cell, by loss. Shape (origin, symbol) each."""
    move = np.abs(target)
    losses = {
        "absolute_error": move,
        "squared_error": move**2,
        "percentage_error": percentage_error(np.zeros_like(target), target),
        "crps": move,
    }
    if metrics:
        known = np.isfinite(target)
        point = np.zeros((int(known.sum()), len(LEVELS)))
        for name, values in metric_losses(metrics, point, target[known]).items():
            losses[name] = np.full(target.shape, np.nan)
            losses[name][known] = values
    return losses


def _with_gaps_charged(
    losses: Losses,
    issued: Mapping[str, Losses],
    unchanged: Mapping[str, Floats],
    *,
    expected: Bools,
) -> Losses:
    """Charge expected forecasts missing between the model's first and last as "no change".

    The error is that of an unchanged price, the range the first historical density issued there; a
    cell without one is left out for a model that states ranges.
    """
    gap = _gap(losses.judged) & expected & np.isfinite(unchanged["crps"])
    if not gap.any():
        return losses
    charged = {name: np.full(gap.shape, np.nan) for name in losses.figures} | dict(unchanged)
    if not losses.point_only:
        charged |= _historical_figures(issued, set(losses.figures) - set(_ERRORS), gap.shape)
    gap &= np.isfinite(charged["crps"])
    figures = {name: np.where(gap, charged[name], own) for name, own in losses.figures.items()}
    return replace(losses, judged=losses.judged | gap, filled=gap, figures=figures)


def _gap(issued: Bools) -> Bools:
    """Cells without a forecast between the first and the last of their symbol."""
    from_first = np.logical_or.accumulate(issued, axis=0)
    to_last = np.logical_or.accumulate(issued[::-1], axis=0)[::-1]
    return np.asarray(from_first & to_last & ~issued)


def _historical_figures(
    issued: Mapping[str, Losses], names: set[str], shape: tuple[int, ...]
) -> dict[str, Floats]:
    """Figures of the first historical density with a forecast in each cell; NaN without any."""
    figures = {name: np.full(shape, np.nan) for name in names}
    for source in reversed([issued[name] for name in HISTORY_MODELS if name in issued]):
        for name, values in figures.items():
            figures[name] = np.where(source.judged, source[name], values)
    return figures


def _require_same_outcome(seen: Floats, part: pl.DataFrame) -> None:
    """Refuse a model whose outcome for a forecast differs from that of the models before it."""
    stated = part["target"].to_numpy()
    apart = np.abs(seen - stated) > 1e-9  # NaN, not seen before, compares False
    if apart.any():
        first = part.row(int(np.flatnonzero(apart)[0]), named=True)
        raise DataError(
            (
                Issue.CONTRADICTING_ROWS.finding(
                    f"target {first['target']:.6g} of {first['model']}, other models differ",
                    rule="one symbol, origin and horizon has one outcome",
                    fix="Score all models on the same adjusted prices.",
                    symbol=first["symbol"],
                    session=str(first["origin"]),
                    count=int(apart.sum()),
                ),
            )
        )
