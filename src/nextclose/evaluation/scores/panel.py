"""All models side by side, one cell per origin and symbol: each is judged on equal terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nextclose.schema import Bools, Dates, Floats, Ints

HISTORY_MODELS = ("hs_250", "hs_expanding")  # the densities behind "no change", in filling order


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """One model at one horizon. Shape of every array: (origin, symbol); NaN = no such figure.

    `losses["crps"]` and the like are the columns that `with_losses` adds, by their names; those of
    a foreign metric too.
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
    unchanged: Mapping[str, Floats]  # (origin, symbol) losses of "no change", by name
    models: Mapping[str, Losses]
    metrics: tuple[str, ...] = ()  # names of the foreign ones

    def of(self, symbol: int) -> Panel:
        """The panel of the symbol at this position alone; views, not copies."""
        columns = slice(symbol, symbol + 1)
        return replace(
            self,
            symbols=self.symbols[columns],
            close=self.close[:, columns],
            target=self.target[:, columns],
            unchanged={name: losses[:, columns] for name, losses in self.unchanged.items()},
            models={name: losses.of(columns) for name, losses in self.models.items()},
        )

    def between(self, origins: slice) -> Panel:
        """The panel at these positions of `origin`; views, not copies."""
        return replace(
            self,
            origin=self.origin[origins],
            close=self.close[origins],
            target=self.target[origins],
            unchanged={name: losses[origins] for name, losses in self.unchanged.items()},
            models={name: losses.between(origins) for name, losses in self.models.items()},
        )
