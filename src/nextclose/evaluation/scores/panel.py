"""All models side by side, one cell per origin and symbol: each is judged on equal terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from nextclose.data.catalogue import Issue
from nextclose.errors import DataError
from nextclose.evaluation.scores.scored import scored
from nextclose.evaluation.scores.seeds import SeedLosses, seed_losses
from nextclose.metrics import percentage_error
from nextclose.schema import Bools, Dates, Floats, Ints

HISTORY_MODELS = ("hs_250", "hs_expanding")  # the densities behind "no change", in filling order


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """One model at one horizon. Shape of every array: (origin, symbol); NaN = no such figure.

    `judged` cells are those the model answers for: from its first to its last forecast of a symbol.
    `filled` are the judged cells it left out: charged as "no change" with the historical density.
    """

    model: str
    point_only: bool
    judged: Bools
    filled: Bools
    absolute: Floats  # log return
    squared: Floats  # squared log return
    percentage: Floats  # % of the realised price
    crps: Floats  # log return
    inside_50: Floats  # 1 inside, 0 outside
    inside_80: Floats
    inside_90: Floats
    inside_95: Floats
    pit: Floats  # probability integral transform, in [0, 1]
    width_90_pct: Floats  # % of the origin's close
    call: Ints  # 1 up, -1 down, 0 none
    seeds: SeedLosses | None = None  # over all judged cells; None: not known

    def at(self, cells: Bools) -> Losses:
        """The same model answering for `cells` only; what its seeds did there is not known."""
        return replace(self, judged=self.judged & cells, filled=self.filled & cells, seeds=None)

    def of(self, columns: slice) -> Losses:
        """The same model on some symbols; views, not copies."""
        arrays = {name: getattr(self, name)[:, columns] for name in _ARRAYS}
        return replace(self, **arrays, seeds=self.seeds.of(columns) if self.seeds else None)

    def between(self, origins: slice) -> Losses:
        """The same model at some origins; views, not copies; its seeds are not known there."""
        arrays = {name: getattr(self, name)[origins] for name in _ARRAYS}
        return replace(self, **arrays, seeds=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Every model at one horizon on one grid of origins (oldest first) and symbols (sorted)."""

    horizon_sessions: int
    symbols: tuple[str, ...]
    origin: Dates  # (origin,)
    close: Floats  # (origin, symbol) price at the origin
    target: Floats  # (origin, symbol) realised log return, NaN where no model has one
    models: Mapping[str, Losses]

    def of(self, symbol: int) -> Panel:
        """The panel of the symbol at this position alone; views, not copies."""
        columns = slice(symbol, symbol + 1)
        return replace(
            self,
            symbols=self.symbols[columns],
            close=self.close[:, columns],
            target=self.target[:, columns],
            models={name: losses.of(columns) for name, losses in self.models.items()},
        )

    def between(self, origins: slice) -> Panel:
        """The panel at these positions of `origin`; views, not copies."""
        return replace(
            self,
            origin=self.origin[origins],
            close=self.close[origins],
            target=self.target[origins],
            models={name: losses.between(origins) for name, losses in self.models.items()},
        )


_INSIDE = ("inside_50", "inside_80", "inside_90", "inside_95")
_DENSITY_FIGURES = ("crps", *_INSIDE, "pit", "width_90_pct")
_FIGURES = ("absolute", "squared", "percentage", *_DENSITY_FIGURES)
_ARRAYS = (*_FIGURES, "judged", "filled", "call")
_COLUMN_OF = {
    "absolute": "absolute_error",
    "squared": "squared_error",
    "percentage": "percentage_error",
    **{name: name for name in _DENSITY_FIGURES},
}


def panels(forecasts: pl.DataFrame, *, seeds: pl.DataFrame | None = None) -> Iterator[Panel]:
    """One panel per horizon, shortest first, of the forecasts whose outcome is known.

    `seeds`, in SEED_SCHEMA, is what single seeds of some of the models would have scored.
    Raises: DataError as `scored`, or if two models name different outcomes for one forecast.
    """
    frame = scored(forecasts).filter(pl.col("target").is_not_null())
    names = pl.Enum(frame["symbol"].unique().sort())
    frame = frame.with_columns(pl.col("symbol").cast(names))
    for horizon in frame["horizon_sessions"].unique().sort():
        panel = _panel(frame.filter(pl.col("horizon_sessions") == horizon), int(horizon))
        yield panel if seeds is None else _with_seeds(panel, seeds)


def _panel(frame: pl.DataFrame, horizon: int) -> Panel:
    present = frame["symbol"].unique().sort()
    symbols = tuple(present.cast(pl.String))
    codes = present.to_physical().to_numpy()
    origin = frame["origin"].unique().sort().to_numpy()
    shape = (len(origin), len(symbols))
    target, close = np.full(shape, np.nan), np.full(shape, np.nan)
    raw: dict[str, Losses] = {}
    for (model,), part in sorted(frame.partition_by("model", as_dict=True).items()):
        cells = (
            np.searchsorted(origin, part["origin"].to_numpy()),
            np.searchsorted(codes, part["symbol"].to_physical().to_numpy()),
        )
        _agree(target[cells], part)
        target[cells] = part["target"].to_numpy()
        close[cells] = part["close"].to_numpy()
        raw[str(model)] = _losses(part, cells, shape)
    known = np.isfinite(target)
    models = {name: _filled(losses, raw, target, known) for name, losses in raw.items()}
    return Panel(
        horizon_sessions=horizon,
        symbols=symbols,
        origin=origin,
        close=close,
        target=target,
        models=models,
    )


def _with_seeds(panel: Panel, seeds: pl.DataFrame) -> Panel:
    here = seeds.filter(pl.col("horizon_sessions") == panel.horizon_sessions)
    models = dict(panel.models)
    for (model,), part in here.partition_by("model", as_dict=True).items():
        if model in models:
            found = seed_losses(part, symbols=panel.symbols)
            models[str(model)] = replace(models[str(model)], seeds=found)
    return replace(panel, models=models)


def _losses(part: pl.DataFrame, cells: tuple[Ints, Ints], shape: tuple[int, int]) -> Losses:
    """The model's own forecasts scattered onto the panel, gaps not yet filled."""
    figures: dict[str, Any] = {name: np.full(shape, np.nan) for name in _FIGURES}
    for name, column in _COLUMN_OF.items():
        figures[name][cells] = part[column].cast(pl.Float64).to_numpy()
    issued, call = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.int64)
    issued[cells] = True
    call[cells] = part["call"].to_numpy()
    return Losses(
        model=str(part["model"][0]),
        point_only=bool(part["point_only"].all()),
        judged=issued,
        filled=np.zeros(shape, dtype=np.bool_),
        call=call,
        **figures,
    )


def _filled(losses: Losses, raw: Mapping[str, Losses], target: Floats, known: Bools) -> Losses:
    """Charge forecasts missing between the model's first and last as "no change".

    The error is that of an unchanged price, the range the first historical density issued there; a
    cell without one is left out for a model that states ranges.
    """
    issued = losses.judged
    begun = np.logical_or.accumulate(issued, axis=0)
    not_over = np.logical_or.accumulate(issued[::-1], axis=0)[::-1]
    gap = known & begun & not_over & ~issued
    if not gap.any():
        return losses
    move = np.abs(target)
    density = {name: np.full(target.shape, np.nan) for name in _DENSITY_FIGURES}
    if losses.point_only:
        density["crps"] = move
    else:
        for source in reversed([raw[name] for name in HISTORY_MODELS if name in raw]):
            for name, values in density.items():
                density[name] = np.where(source.judged, getattr(source, name), values)
    gap &= np.isfinite(density["crps"])
    charged = {
        "absolute": move,
        "squared": move**2,
        "percentage": percentage_error(np.zeros_like(target), target),
        **density,
    }
    figures: dict[str, Any] = {
        name: np.where(gap, charged[name], getattr(losses, name)) for name in _FIGURES
    }
    return replace(losses, judged=issued | gap, filled=gap, **figures)


def _agree(seen: Floats, part: pl.DataFrame) -> None:
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
