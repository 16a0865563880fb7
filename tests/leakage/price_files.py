"""Price files of two exchanges, 700 rows a symbol, with all that goes wrong in real ones."""

from collections.abc import Callable

import numpy as np
import polars as pl

from nextclose.data.calendars.sessions import session_table

Frame = pl.DataFrame
N_ROWS = 700
SYMBOLS = ("AAA", "BBB", "CCC.T")  # New York closes half a day after Tokyo
EXCHANGES = {"AAA": "XNYS", "BBB": "XNYS", "CCC.T": "XTKS"}
PRICES = ("open", "high", "low", "close")
HALTS = {"AAA": ((300, 312),), "BBB": ((350, 420),), "CCC.T": ((300, 304), (500, 562))}


def sessions(exchange: str, n: int = N_ROWS) -> np.ndarray:
    """The first n sessions of an exchange from 2001 on. datetime64[D], shape (n,)."""
    days = np.arange("2001-01-01", "2005-01-01", dtype="datetime64[D]")
    return days[session_table(exchange).at(days)[1]][:n]


def one_symbol(symbol: str, *, seed: int) -> Frame:
    """Clean bars with two decimals, as text would have them."""
    noise = np.random.default_rng(seed)
    close = np.round(50 * np.exp(np.cumsum(0.01 * noise.standard_t(5, N_ROWS))), 2)
    open_ = np.round(close * np.exp(0.003 * noise.standard_normal(N_ROWS)), 2)
    reach = 1 + 0.005 * noise.random((2, N_ROWS))
    return pl.DataFrame(
        {
            "symbol": [symbol] * N_ROWS,
            "date": sessions(EXCHANGES[symbol]),
            "open": open_,
            "high": np.round(np.maximum(open_, close) * reach[0], 2) + 0.01,
            "low": np.round(np.minimum(open_, close) / reach[1], 2) - 0.01,
            "close": close,
            "volume": np.round(1e5 * np.exp(0.5 * noise.standard_normal(N_ROWS))),
        }
    )


def clean() -> Frame:
    """Three complete symbols."""
    return pl.concat([one_symbol(symbol, seed=20 + k) for k, symbol in enumerate(SYMBOLS)])


def with_cells(frame: Frame, hit: pl.Series | pl.Expr, **cells: pl.Expr) -> Frame:
    """The rows with cells replaced where `hit`."""
    where = pl.lit(hit) if isinstance(hit, pl.Series) else hit
    return frame.with_columns(
        pl.when(where).then(value).otherwise(pl.col(name)).alias(name)
        for name, value in cells.items()
    )


def dirty() -> Frame:
    """Empty closes, days without trade, copies, contradictions, nonsense prices, closed days."""
    noise = np.random.default_rng(3)
    frame = clean()
    draw = pl.Series(noise.random(frame.height))
    at = pl.col("close")
    flat = dict.fromkeys(("open", "high", "low"), at)
    for low, high, cells in (
        (0.00, 0.04, {"close": pl.lit(None, dtype=pl.Float64)}),
        (0.04, 0.07, {**flat, "volume": pl.lit(0.0)}),
        (0.07, 0.08, {"volume": pl.lit(None, dtype=pl.Float64)}),
        (0.08, 0.09, {"high": at * 0.9}),
        (0.09, 0.10, {"open": at, "high": at * (1 - 1e-8), "low": at * (1 + 1e-8)}),
        (0.10, 0.11, {"close": -at}),
        (0.11, 0.12, dict.fromkeys(PRICES, pl.lit(0.0))),
        (0.12, 0.13, {"low": pl.lit(float("inf"))}),
        (0.13, 0.14, {"volume": pl.lit(-5.0)}),
        (0.14, 0.15, {"volume": pl.col("volume") + 0.5}),
    ):
        frame = with_cells(frame, draw.is_between(low, high, closed="left"), **cells)
    copies = frame.filter(draw > 0.97)
    others = frame.filter(draw.is_between(0.94, 0.96)).with_columns(pl.col("volume") + 1)
    closed = frame.filter(draw.is_between(0.90, 0.93)).with_columns(
        pl.col("date").dt.offset_by("1d")
    )
    weekend = with_cells(closed, pl.lit(value=True), **flat, volume=pl.lit(0.0)).filter(
        pl.col("date").dt.weekday() > 5
    )
    order = np.arange(frame.height)
    swapped = 2 * noise.choice(frame.height // 2, 40, replace=False)
    order[swapped], order[swapped + 1] = swapped + 1, swapped
    return pl.concat([frame[order], copies, others, closed, weekend])


def spiky() -> Frame:
    """Spikes of x0.02 to x50, an unadjusted split, pence amid pounds, gaps, a reused name."""
    frame = clean().with_columns(pl.int_range(pl.len()).over("symbol").alias("place"))
    factors = {
        "AAA": ((200, 201, 1.6), (260, 261, 50.0), (330, 331, 0.02), (400, N_ROWS, 0.5)),
        "BBB": ((280, 283, 100.0), (360, 361, 0.5), (450, 451, 3.0), (520, N_ROWS, 7.3)),
        "CCC.T": ((300, N_ROWS, 100.0), (600, 601, 0.3)),
    }
    for symbol, moves in factors.items():
        for start, stop, factor in moves:
            is_it = (pl.col("symbol") == symbol) & pl.col("place").is_between(
                start, stop, closed="left"
            )
            frame = with_cells(frame, is_it, **{name: pl.col(name) * factor for name in PRICES})
    gone = {"AAA": ((350, 365),), "BBB": ((100, 103), (480, 520)), "CCC.T": ((420, 425),)}
    for symbol, gaps in gone.items():
        for start, stop in gaps:
            place = pl.col("place").is_between(start, stop, closed="left")
            frame = frame.filter(~((pl.col("symbol") == symbol) & place))
    return frame.drop("place")


def halted() -> Frame:
    """Halts of 4, 12, 62 and 70 sessions: bars go on, flat and without volume."""
    frame = clean().with_columns(pl.int_range(pl.len()).over("symbol").alias("place"))
    for symbol, halts in HALTS.items():
        for start, stop in halts:
            is_it = (pl.col("symbol") == symbol) & pl.col("place").is_between(
                start, stop, closed="left"
            )
            last = frame.filter((pl.col("symbol") == symbol) & (pl.col("place") == start - 1))
            still = pl.lit(last["close"][0])
            frame = with_cells(frame, is_it, **dict.fromkeys(PRICES, still), volume=pl.lit(0.0))
    return frame.drop("place")


def adjusted() -> Frame:
    """Raw and adjusted closes: splits, dividends, one of them missing from the adjusted close."""
    frame = clean().with_columns(pl.int_range(pl.len()).over("symbol").alias("place"))
    place = pl.col("place")
    shares = pl.when(place < 250).then(0.25).when(place < 400).then(0.5).otherwise(1.0)
    paid = pl.when(place < 320).then(0.985).when(place == 500).then(0.97).otherwise(1.0)
    ratio = shares * paid
    raw = [(pl.col(name) / ratio).round(2).alias(name) for name in PRICES]
    return frame.with_columns(pl.col("close").alias("adj_close"), *raw).drop("place")


def twins() -> Frame:
    """One series under two names, and another whose close stands still."""
    first = one_symbol("AAA", seed=20)
    second = first.with_columns(pl.lit("BBB").alias("symbol"))
    still = one_symbol("CCC.T", seed=21).with_columns(pl.lit(7.0).alias(name) for name in PRICES)
    return pl.concat([first, second, still])


def late() -> Frame:
    """Volume that begins amid the file, in one symbol never; opens that begin late in another."""
    frame = clean().with_columns(pl.int_range(pl.len()).over("symbol").alias("place"))
    of = pl.col("symbol")
    none = pl.lit(None, dtype=pl.Float64)
    frame = with_cells(frame, (of == "AAA") & (pl.col("place") < 300), volume=none)
    frame = with_cells(frame, (of == "BBB") & (pl.col("place") < 200), open=none)
    return with_cells(frame, of == "CCC.T", volume=none).drop("place")


def lacking() -> Frame:
    """Closes whose ranges are empty, zero, negative, contradicting, or beyond all reason."""
    noise = np.random.default_rng(6)
    frame = clean().with_columns(pl.int_range(pl.len()).over("symbol").alias("place"))
    draw, at = pl.Series(noise.random(frame.height)), pl.col("close")
    none = dict.fromkeys(("open", "high", "low"), pl.lit(None, dtype=pl.Float64))
    for low, high, cells in (
        (0.00, 0.03, none),
        (0.03, 0.06, {"open": pl.lit(0.0)}),
        (0.06, 0.08, {"low": pl.lit(-1.0)}),
        (0.08, 0.12, {"high": at * 0.97}),
        (0.12, 0.15, {"low": at * 1.02, "high": at * 0.99}),
        (0.15, 0.18, {"open": at * 40}),
        (0.18, 0.20, {"volume": pl.lit(None, dtype=pl.Float64)}),
    ):
        frame = with_cells(frame, draw.is_between(low, high, closed="left"), **cells)
    early = (pl.col("symbol") == "BBB") & (pl.col("place") < 400)
    return with_cells(frame, early, **none).drop("place")


BASES: dict[str, Callable[[], Frame]] = {
    "clean": clean,
    "dirty": dirty,
    "spiky": spiky,
    "halted": halted,
    "adjusted": adjusted,
    "twins": twins,
    "late": late,
    "lacking": lacking,
}
