"""[shell] Windows of many symbols: asked for one by one, saved, loaded.

windows = make_windows(bars)             # or load_windows("windows")
aapl = windows.of("AAPL", horizon=1)
aapl.train.x, aapl.train.y               # (sample, session, column) and (sample,), scaled
aapl.test.prices(forecasts)              # what a model says of them, in the prices' unit
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import polars as pl

from nextclose.arguments import named_arguments, refuse_other
from nextclose.errors import ConfigError, printable
from nextclose.execution.in_turn import Progress, silent
from nextclose.formatting import quantity
from nextclose.samples.parts import PARTS
from nextclose.samples.window_facts import WindowFacts
from nextclose.samples.window_sets import SplitWindows, split_windows
from nextclose.schema import Finding
from nextclose.windowfiles import (
    FileFormat,
    Read,
    fill_windows,
    read_manifest,
    reader_of,
    windows_folder,
)

FOLDER_FIX = 'name the folder of the windows, as "windows"'


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Windows:
    """The windows of many symbols; those of one are made, or read, when they are asked for."""

    facts: WindowFacts
    read: Read
    findings: tuple[Finding, ...] = ()  # about the bars, when the windows were made

    def __repr__(self) -> str:
        """What there is, in a line."""
        facts = self.facts
        return (
            f"Windows({facts.form}, {facts.split}: {facts.n_windows:,} of "
            f"{facts.window_sessions} sessions x {len(facts.columns)} columns, "
            f"{quantity(len(self.symbols), 'symbol')}, horizons {facts.horizons}, "
            f"{quantity(len(facts.folds), 'fold')})"
        )

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols that have windows to train on, sorted."""
        return tuple(self.facts.symbols)

    @property
    def counts(self) -> pl.DataFrame:
        """How many windows there are: a row for each symbol, fold and horizon."""
        return pl.DataFrame(list(self._count_rows()))

    def of(self, symbol: str, *, horizon: int, fold: int = -1, scaled: bool = True) -> SplitWindows:
        """The parts of one symbol and horizon in a fold, counted from 0; -1 is the last.

        `scaled` by what the training windows of that fold say; else as they were computed.
        Raises: ConfigError for what is not there; NotEnoughDataError where nothing is to be trained
            on, and so nothing to scale with.
        """
        folds = range(len(self.facts.folds))
        _refuse_unknown("symbol", symbol, self.symbols)
        _refuse_unknown("horizon", horizon, self.facts.horizons)
        _refuse_unknown("fold", fold, range(-len(folds), len(folds)))
        return split_windows(
            self.read(symbol),
            self.facts,
            symbol=symbol,
            horizon=horizon,
            fold=folds[fold],
            scaled=scaled,
        )

    def save(
        self,
        folder: str | Path,
        *,
        file_format: FileFormat = "npz",
        progress: Progress = silent,
    ) -> Path:
        """Write the windows of every symbol into `folder`, in the place of any there.

        One symbol is in memory at a time. Killed amid it, the folder holds what it held before.
        Raises: LockedError while another process writes there; OutputError if it cannot be
            written, has too little room, or holds other files where ours would go.
        """
        refuse_other(folder, (str, Path), argument="folder", fix=FOLDER_FIX)
        with windows_folder(Path(folder)) as place:
            fill_windows(place, self.facts, self.read, file_format=file_format, progress=progress)
        return Path(folder)

    def _count_rows(self) -> Iterator[dict[str, Any]]:
        for symbol, counts in self.facts.symbols.items():
            for fold in range(len(self.facts.folds)):
                for k, horizon in enumerate(self.facts.horizons):
                    own = {name: getattr(counts, name)[fold][k] for name in PARTS[1:]}
                    head = {"symbol": symbol, "fold": fold, "horizon_sessions": horizon}
                    yield {**head, **own, "unresolved": counts.unresolved[k]}


@named_arguments()
def load_windows(folder: str | Path) -> Windows:
    """The windows in `folder`; the arrays of a symbol are read when they are asked for.

    Raises: WindowsError if the folder, or later a file of it, is not whole, saying what to do.
    """
    refuse_other(folder, (str, Path), argument="folder", fix=FOLDER_FIX)
    manifest = read_manifest(Path(folder))
    return Windows(facts=manifest, read=reader_of(Path(folder), manifest))


def _refuse_unknown(name: str, value: Any, known: Any) -> None:
    """Raise ConfigError for a value that is not among those there are."""
    if value in known:
        return
    near = get_close_matches(str(value), map(str, known), n=1, cutoff=0.0) if len(known) else []
    listed = ", ".join(printable(str(each)) for each in list(known)[:8])
    more = ", ..." if len(known) > 8 else ""
    nearest = f"; the nearest is {printable(near[0])}" if near and name == "symbol" else ""
    raise ConfigError(
        f"there are no windows of {name} {value!r:.60}{nearest}. Fix: choose from {listed}{more}; "
        f"or make windows of it."
    )
