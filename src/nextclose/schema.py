"""Names, units and frozen records that the stages exchange."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from nextclose.errors import Finding as Finding
from nextclose.errors import Response as Response

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Dates = npt.NDArray[np.datetime64]  # datetime64[D]; NaT = not known
Spread = Annotated[Floats, "float64 horizon level"]  # quantiles of a fit, pooled over symbols

PRICE_COLUMNS = ("open", "high", "low", "close")
BAR_COLUMNS = ("symbol", "session", *PRICE_COLUMNS, "volume")
# what is odd about a bar, known at its close; widened: its range was, or was taken away
MASK_COLUMNS = ("halted", "spiked", "filled", "widened")

N_NAMED = 8  # symbols that bars name when they are shown
HORIZONS = (1, 7, 30)  # trading sessions ahead

# The one quantile grid, and the exact weights that turn pinball losses on it into a CRPS: trapezoid
# between levels, pinball loss held constant from 0.01 to 0 and from 0.99 to 1.
LEVELS: Floats = np.array(
    [0.01, 0.025, *(round(0.05 * k, 2) for k in range(1, 20)), 0.975, 0.99], dtype=np.float64
)
LEVEL_WEIGHTS: Floats = np.array([0.0175, 0.02, 0.0375, *[0.05] * 17, 0.0375, 0.02, 0.0175])
MEDIAN = 11  # index of level 0.5
QUANTILE_COLUMNS = tuple(f"q{level:.3f}" for level in LEVELS)

# One row per symbol, origin, horizon, model. `target` is the realised log return from the origin's
# close to the close of `resolved`, null until known; the quantiles are of that log return.
FORECAST_SCHEMA: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "origin": pl.Date(),
    "horizon_sessions": pl.Int32(),
    "model": pl.String(),
    "fold": pl.Int32(),
    "resolved": pl.Date(),
    "close": pl.Float64(),
    "target": pl.Float64(),
    **{name: pl.Float64() for name in QUANTILE_COLUMNS},
}

# What single seeds of a model would have scored: means over its judged forecasts of a symbol.
SEED_SCHEMA: dict[str, pl.DataType] = {
    "model": pl.String(),
    "seed": pl.Int32(),
    "symbol": pl.String(),
    "horizon_sessions": pl.Int32(),
    "forecasts": pl.Int64(),
    "crps": pl.Float64(),
    "absolute_error": pl.Float64(),
}

# Losses of the hybrid's variants, one row per symbol, origin, horizon and variant, on the origins
# of the hybrid itself: "raw" (before calibration), "equal weights", "picked member" (the one that
# had done best before), "without NAME" for each member. With news also "without news"; where no
# hybrid runs, that and "raw" are the leading reader's. Losses in log returns.
ABLATION_SCHEMA: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "origin": pl.Date(),
    "horizon_sessions": pl.Int32(),
    "variant": pl.String(),
    "crps": pl.Float64(),
    "absolute_error": pl.Float64(),
    "inside_90": pl.Float64(),
    "width_90_pct": pl.Float64(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Headlines, each at the first session at whose close it may be used; one row an item.

    `frame` has symbol, session (Date) and score (Float64, in [-1, 1]), sorted by the first two.
    `scorer` names what gave the scores, "file" where they came with the headlines;
    `cutoff_minutes` is how long before a close an item had to be seen for that session.
    """

    frame: pl.DataFrame
    scorer: str
    cutoff_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Bars:
    """Validated daily bars: one row per symbol and session, sorted by both, in `BAR_COLUMNS`.

    `frame` always has symbol, session (Date) and close (Float64, finite, > 0). open, high, low and
    volume are null where a row or a whole symbol has none, and are no columns where no source has
    them. `close_raw` is there when the source gave an adjusted close beside it. Bars from a loader
    also have `segment` (Int32: 0, 1, ... of a symbol; a long gap, a halt or a reused name begins
    the next) and the Boolean `MASK_COLUMNS`.
    `findings` are the repairs and warnings that led here. `basis` says what the prices are:
    adjusted for splits and dividends, raw, or unknown. `exchanges` names each symbol's calendar,
    "" where only weekdays are counted; `supposed` the calendars that symbols were of until their
    first 250 bars proved these, of those symbols alone. `settled` holds format facts that all
    files decided alike, by the name of their `[data]` setting; later bars are read the same way.
    `news` are headlines about the symbols; None: none were given, which is not the same as none
    there were.
    """

    frame: pl.DataFrame
    findings: tuple[Finding, ...] = ()
    basis: Literal["adjusted", "raw", "unknown"] = "unknown"
    exchanges: Mapping[str, str] = field(default_factory=dict)
    supposed: Mapping[str, str] = field(default_factory=dict)
    settled: Mapping[str, object] = field(default_factory=dict)
    news: News | None = None

    def __repr__(self) -> str:
        names, sessions = self.symbols, self.frame["session"]
        if not names:
            return "Bars: none"
        shown = ", ".join(names[:N_NAMED]) + (", ..." if len(names) > N_NAMED else "")
        whose = f"{len(names):,} symbol{'s' if len(names) > 1 else ''} ({shown})"
        extent = f"{self.frame.height:,} bars, {min(sessions)} to {max(sessions)}"
        findings = f"{len(self.findings):,} in .findings" if self.findings else "none"
        prices = f"prices {self.basis}; findings: {findings}; .frame is the table"
        return f"Bars: {whose}, {extent}\n{prices}"

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols in sorted order."""
        return tuple(self.frame["symbol"].unique().sort())

    @property
    def fingerprint(self) -> str:
        """SHA-256 over names, types and exact bytes of the columns; equal bars, equal text.

        Bars of which no range was widened have the text that they had before there was that mask.
        """
        digest = hashlib.sha256()
        for name in (*BAR_COLUMNS, "segment", *MASK_COLUMNS):
            if name in self.frame.columns and (name != "widened" or self.frame[name].any()):
                _add(digest, self.frame[name])
        if self.news is not None:
            digest.update(f"news:{self.news.scorer};{self.news.cutoff_minutes};".encode())
            for column in self.news.frame:
                _add(digest, column)
        return digest.hexdigest()


def _add(digest: hashlib._Hash, column: pl.Series) -> None:
    """Feed name, type and values of a column to the digest."""
    digest.update(f"{column.name}:{column.dtype};".encode())
    if column.dtype == pl.String:
        digest.update("\x1f".join(column.to_list()).encode())
    else:
        digest.update(np.ascontiguousarray(column.to_numpy()).tobytes())


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A named group of table columns [start, stop), sound `warmup_sessions` rows into a segment."""

    start: int
    stop: int
    warmup_sessions: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Table:
    """What was knowable at each close: symbols stacked, rows sorted by symbol and session.

    Row i of every array speaks of the same symbol and session, and reads no bar after it.
    """

    values: Floats32  # (row, feature); NaN within a family's warm-up, and where bars lack a range
    names: tuple[str, ...]  # (feature,)
    families: Mapping[str, Family]
    left_out: Mapping[str, str]  # feature that could not be built -> why
    symbols: tuple[str, ...]
    symbol: Ints  # (row,) position in `symbols`
    session: Dates  # (row,)
    close: Floats  # (row,) price
    scale: Floats  # (row,) causal volatility of one session's log return, > 0; NaN in warm-up
    long_run: Floats  # (row,) mean |log return| of at most ten years, > 0; NaN as the scale is
    segments: Ints  # (segment, 2) row ranges [start, stop); no window, chunk or target crosses
    exchanges: tuple[str, ...] = ()  # (symbol,) calendars, "" for weekdays; () where none matters

    def __repr__(self) -> str:
        n_rows, n_columns = self.values.shape
        return f"Table: {n_rows:,} rows of {len(self.symbols):,} symbols, {n_columns} features"
