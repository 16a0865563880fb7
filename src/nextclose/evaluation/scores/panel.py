"""All models side by side, one cell per origin and symbol: each is judged on equal terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from nextclose.errors import DataError
from nextclose.evaluation.scores.losses import with_losses
from nextclose.evaluation.scores.seeds import seed_losses
from nextclose.metrics import percentage_error
from nextclose.schema import Bools, Dates, Finding, Floats, Ints

HISTORY_MODELS = ("hs_250", "hs_expanding")  # the densities behind "no change", in filling order


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """One model at one horizon. Shape of every array: (origin, symbol); NaN = no such figure.

    `losses["crps"]` and the like are the columns that `with_losses` adds, by their names.
    `judged` cells are those the model answers for: from its first to its last forecast of a symbol.
    `filled` are the judged cells it left out: charged as "no change" with the historical density.
    `seeds` are mean losses of its single seeds over all judged cells, (seed, symbol), by loss.
    """

    model: str
    point_only: bool
    judged: Bools
    filled: Bools
    call: Ints  # 1 up, -1 down, 0 none
    figures: Mapping[str, Floats]
    seeds: Mapping[str, Floats] | None = None  # None: not known

    def __getitem__(self, figure: str) -> Floats:
        return self.figures[figure]

    def at(self, cells: Bools) -> Losses:
        """The same model answering for `cells` only; what its seeds did there is not known."""
        return replace(self, judged=self.judged & cells, filled=self.filled & cells, seeds=None)

    def of(self, columns: slice) -> Losses:
        """The same model on some symbols; views, not copies."""
        seeds = {name: mean[:, columns] for name, mean in (self.seeds or {}).items()}
        return replace(self._part((slice(None), columns)), seeds=seeds or None)

    def between(self, origins: slice) -> Losses:
        """The same model at some origins; views, not copies; its seeds are not known there."""
        return replace(self._part((origins, slice(None))), seeds=None)

    def _part(self, cells: tuple[slice, slice]) -> Losses:
        return replace(
            self,
            judged=self.judged[cells],
            filled=self.filled[cells],
            call=self.call[cells],
            figures={name: values[cells] for name, values in self.figures.items()},
        )


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
_FIGURES = ("absolute_error", "squared_error", "percentage_error", *_DENSITY_FIGURES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Forecasts with what each of them cost, as rows and as panels: computed once, read by all.

    `frame` is `with_losses` of all forecasts; `panels` hold those whose outcome is known, one per
    horizon, shortest first.
    """

    frame: pl.DataFrame
    panels: tuple[Panel, ...]


def scores_of(forecasts: pl.DataFrame, *, seeds: pl.DataFrame | None = None) -> Scores:
    """The scores of forecasts in any row order.

    `seeds`, in SEED_SCHEMA, is what single seeds of some of the models would have scored.
    Raises: DataError as `with_losses`, or if two models name different outcomes for one forecast.
    """
    frame = with_losses(forecasts)
    return Scores(frame=frame, panels=tuple(_panels(frame, seeds)))


def _panels(scored: pl.DataFrame, seeds: pl.DataFrame | None) -> Iterator[Panel]:
    frame = scored.filter(pl.col("target").is_not_null())
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
            losses = seed_losses(part, symbols=panel.symbols)
            models[str(model)] = replace(models[str(model)], seeds=losses)
    return replace(panel, models=models)


def _losses(part: pl.DataFrame, cells: tuple[Ints, Ints], shape: tuple[int, int]) -> Losses:
    """The model's own forecasts scattered onto the panel, gaps not yet filled."""
    figures = {name: np.full(shape, np.nan) for name in _FIGURES}
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
                density[name] = np.where(source.judged, source[name], values)
    gap &= np.isfinite(density["crps"])
    charged = {
        "absolute_error": move,
        "squared_error": move**2,
        "percentage_error": percentage_error(np.zeros_like(target), target),
        **density,
    }
    figures = {name: np.where(gap, charged[name], own) for name, own in losses.figures.items()}
    return replace(losses, judged=issued | gap, filled=gap, figures=figures)


def _agree(seen: Floats, part: pl.DataFrame) -> None:
    """Refuse a model whose outcome for a forecast differs from that of the models before it."""
    stated = part["target"].to_numpy()
    apart = np.abs(seen - stated) > 1e-9  # NaN, not seen before, compares False
    if apart.any():
        first = part.row(int(np.flatnonzero(apart)[0]), named=True)
        raise DataError(
            (
                Finding(
                    number=43,
                    response="E",
                    found=f"target {first['target']:.6g} of {first['model']}, other models differ",
                    rule="one symbol, origin and horizon has one outcome",
                    fix="Score all models on the same adjusted prices.",
                    symbol=first["symbol"],
                    session=str(first["origin"]),
                    count=int(apart.sum()),
                ),
            )
        )
