"""Columns of several symbols at once, put behind the real table: leaks and the honest way."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from nextclose.schema import Bars, Family, Table
from tests.leakage.artefacts import Artefact, Pipeline
from tests.leakage.worlds import perturbed, price_file

Across = Callable[[Table], np.ndarray]
DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, kw_only=True)
class PanelPipeline(Pipeline):
    """The real loader and table, then columns that somebody made across its symbols."""

    across: dict[str, Across]
    models: tuple[str, ...] = ()

    def table_of(self, bars: Bars) -> Table:
        table = super().table_of(bars)
        own = [np.asarray(make(table), dtype=np.float32) for make in self.across.values()]
        start = len(table.names)
        place = Family(start=start, stop=start + len(own), warmup_sessions=0)
        return replace(
            table,
            values=np.column_stack([table.values, *own]),
            names=(*table.names, *self.across),
            families={**table.families, "across": place},
        )


def returns(table: Table) -> np.ndarray:
    """Log return of each row; 0 at the first of a segment."""
    close = np.log(table.close)
    moves = np.diff(close, prepend=close[0])
    moves[table.segments[:, 0]] = 0.0
    return moves


def mean_by(keys: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct keys, ascending, and the mean of the values of each."""
    days, place = np.unique(keys, return_inverse=True)
    return days, np.bincount(place, values) / np.bincount(place)


def market_return(table: Table, *, sessions_on: int = 0) -> np.ndarray:
    """Mean return of all symbols on the date, or on the market's next one."""
    days, mean = mean_by(table.session, returns(table))
    at = np.searchsorted(days, table.session) + sessions_on
    return np.asarray(mean[np.minimum(at, len(mean) - 1)])


def rank_of_date(table: Table, *, of: str) -> np.ndarray:
    """Place of a symbol's return among those of its date.

    As a share of the symbols that trade on it, or of all that the file lists.
    """
    found, moves = np.zeros(len(table.close)), returns(table)
    for session in np.unique(table.session):
        rows = np.flatnonzero(table.session == session)
        n_symbols = len(rows) if of == "the date" else len(table.symbols)
        found[rows] = (np.argsort(np.argsort(moves[rows])) + 1) / n_symbols
    return found


def wide(table: Table) -> tuple[np.ndarray, np.ndarray]:
    """Dates, and returns by (date, symbol); 0 where a symbol does not trade."""
    days, at = np.unique(table.session, return_inverse=True)
    matrix = np.zeros((len(days), len(table.symbols)))
    matrix[at, table.symbol] = returns(table)
    return days, matrix


def peer_return(table: Table, *, known_rows: int | None) -> np.ndarray:
    """The return of the symbol that moves most like one's own.

    Over all rows of the file, or over its first `known_rows` and only after them.
    """
    days, matrix = wide(table)
    part = matrix[:known_rows]
    alike = part.T @ part
    np.fill_diagonal(alike, -np.inf)
    at = np.searchsorted(days, table.session)
    found = matrix[at, alike.argmax(axis=1)[table.symbol]]
    return np.where(at >= (known_rows or 0), found, 0.0)


def segment_number(table: Table) -> np.ndarray:
    """Which unbroken stretch of its symbol a row is in, counted from the first."""
    starts = table.segments[:, 0]
    place = np.searchsorted(starts, np.arange(len(table.close)), side="right") - 1
    first = np.searchsorted(table.symbol, table.symbol)  # of the symbol
    return np.asarray(place - place[first]) * 1.0


LEAKY_ACROSS: dict[str, Across] = {
    "M62 market of the next session": lambda table: market_return(table, sessions_on=1),
    "M62 peer by all rows": lambda table: peer_return(table, known_rows=None),
    "M71 rank among all that the file lists": lambda table: rank_of_date(table, of="the file"),
}
HONEST_ACROSS: dict[str, Across] = {
    "market of the session": market_return,
    "rank of the date": lambda table: rank_of_date(table, of="the date"),
    "segment id": segment_number,
    "peer by the first year": lambda table: peer_return(table, known_rows=250),
}


# --- M61: an instant, not a date ---


def two_exchanges() -> pl.DataFrame:
    """Two symbols of Tokyo, which closes first, and two of New York."""
    names = ("AAA.T", "BBB.T", "CCC", "DDD")
    return pl.concat([price_file(name, seed=60 + k) for k, name in enumerate(names)])


def is_early(symbol: pl.Expr) -> pl.Expr:
    return symbol.str.ends_with(".T")


def after_the_close_of_tokyo(
    frame: pl.DataFrame, row_day: np.datetime64, world: str
) -> pl.DataFrame:
    """Another future of all that closes after Tokyo does on that day: New York's day as well."""
    day_before = (row_day - DAY).astype(object)
    early = frame.filter(is_early(pl.col("symbol")))
    late = frame.filter(~is_early(pl.col("symbol")))
    return pl.concat(
        [perturbed(early, row_day.astype(object), world), perturbed(late, day_before, world)]
    )


def by_instant(found: dict[str, Artefact]) -> dict[str, Artefact]:
    """Days as Tokyo counts them: what New York closes on a date is known there on the next one."""
    counted = {}
    for name, part in found.items():
        is_late = np.array([".T " not in label for label in part.label.tolist()])
        counted[name] = replace(part, known_at=part.known_at + is_late * DAY)
    return counted


def market_of_the_date(table: Table) -> np.ndarray:
    """M61: Tokyo's row reads the mean of its date, in which New York has yet to trade."""
    return market_return(table)


def of_what_has_closed(table: Table) -> np.ndarray:
    """New York reads Tokyo's return of the same date; Tokyo that of New York's date before."""
    early = np.array([name.endswith(".T") for name in table.symbols])[table.symbol]
    moves, found = returns(table), np.zeros(len(table.close))
    for readers, side in ((~early, "right"), (early, "left")):
        days, mean = mean_by(table.session[~readers], moves[~readers])
        at = np.searchsorted(days, table.session[readers], side=side) - 1  # type: ignore[call-overload]
        found[readers] = np.where(at >= 0, mean[at], 0.0)
    return found
