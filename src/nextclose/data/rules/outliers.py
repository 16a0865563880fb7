"""Moves out of all proportion to a symbol's past: marked, or clipped to a bound of that past.

"It came back the next day" is not asked: on the day itself nobody knows. Pence amid pounds are told
apart from them.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from nextclose.data.findings import hit_mask, hits_at, no_hits
from nextclose.data.rules.adjustment import open_high_low
from nextclose.data.rules.steps import close_ratios, is_segment_start, segment_starts
from nextclose.schema import Bools, Floats, Ints

N_SIGMA = 20.0
MAD_TO_SIGMA = 1.4826  # the standard deviation of a normal law over its median absolute value
BOUND = N_SIGMA * MAD_TO_SIGMA  # times the median of the past
N_PAST, N_LEAST = 250, 60  # returns before that are read, and that must be there
EARLY_BOUND = 0.5  # absolute log return that is told while fewer are there: 5:3 is 0.51
BLOCK = 50  # rows of a block whose small returns bound the median from below
N_BLOCKS = 6  # that 250 rows can touch
RANKS = [9, 20]  # in a sorted block: the tenth return and the 21st
TENFOLD = np.log(10)  # the log of a move that no session makes
UNIT_FACTOR, UNIT_NEAR, UNIT_PAST = 100.0, 0.3, 20  # pence in a pound; log distance; rows before
UNIT_LEAST = 5  # rows before that must be there
AT_ONCE = 10_000  # rows whose pasts are compared together: 20 MB

Frame = pl.DataFrame


def spikes(frame: Frame) -> Frame:
    """Rows whose close moves by more than 20 robust standard deviations of the past.

    That is 20 x 1.4826 x the median |log return| of the 250 returns before, at least 60, in the
    row's own segment. Where that median is 0 or the past shorter, only a move beyond ten-fold is
    one, and there it always is. Left out are changes of unit.
    """
    return _move_hits(frame, _spike_rows(frame))


def early_moves(frame: Frame) -> Frame:
    """Rows with fewer than 60 returns before them whose close falls by 40 % or rises by 65 %.

    No past says yet what is out of proportion, but nearly no day moves so far. Left out is what is
    marked, moves as a split would or changes the unit.
    Expects: the columns of `with_split_moves`. Causal: the row and the close before it.
    """
    size, starts = _absolute_returns(frame), np.flatnonzero(is_segment_start(frame))
    is_told = frame["spiked"].to_numpy() | frame["split_ratio"].is_not_null().to_numpy()
    rows = np.flatnonzero((size > EARLY_BOUND) & ~is_told)
    rows = rows[rows - _first_returns(rows, starts) < N_LEAST]
    return _move_hits(frame, rows[~is_change_of_unit(frame, rows)])


def _move_hits(frame: Frame, rows: Ints) -> Frame:
    close = frame["close"].to_numpy()
    moves = 100 * (close[rows] / close[rows - 1] - 1)
    return hits_at(rows, [f"a move of {move:+.1f} %" for move in moves], column="close")


def with_spike_mask(frame: Frame, hits: Frame) -> Frame:
    """The rows with the mask `spiked` at the hits."""
    is_spiked = hit_mask(frame, hits)
    if "spiked" in frame.columns:
        is_spiked |= frame["spiked"]
    return frame.with_columns(is_spiked.alias("spiked"))


def clippable_spikes(frame: Frame) -> Frame:
    """Rows whose close lies beyond the bound that `with_clipped_prices` brings it to."""
    bounds = _clip_bounds(frame)
    close = frame["close"].to_numpy()
    texts = [f"{close[row]:.10g}, clipped to {bound:.10g}" for row, (_, bound) in bounds.items()]
    return hits_at(np.array(list(bounds), dtype=np.int64), texts, column="close")


def with_clipped_prices(frame: Frame, hits: Frame) -> Frame:
    """The rows with close, and open, high and low with it, inside 20 robust standard deviations.

    The bounds lie around the close before, itself clipped: after a spike the next close is judged
    against where the price was, and a move that stays is reached in steps. `close_raw` keeps its
    ratio to the close. Hit rows have the mask `spiked`.
    Causal: bounds read returns before the row, as they were.
    """
    bounds = _clip_bounds(frame)
    rows = np.array(list(bounds), dtype=np.int64)
    before, bound = np.array(list(bounds.values())).T
    reach = np.maximum(bound / before, before / bound)
    columns = []
    for name in open_high_low(frame):
        values = frame[name].to_numpy().copy()
        values[rows] = np.clip(values[rows], before / reach, before * reach)
        columns.append(pl.Series(name, values))
    close = frame["close"].to_numpy().copy()
    factor = bound / close[rows]
    close[rows] = bound
    columns.append(pl.Series("close", close))
    if "close_raw" in frame.columns:
        raw = frame["close_raw"].to_numpy().copy()
        raw[rows] *= factor
        columns.append(pl.Series("close_raw", raw).fill_nan(None))
    return with_spike_mask(frame.with_columns(columns), hits)


def unit_flips(frame: Frame) -> Frame:
    """Rows whose close jumps to 100 times the median of the 20 closes before, or a 100th.

    Within a factor 1.35 of 100. Causal: the closes before, in the row's own segment, at least five.
    """
    ratio = close_ratios(frame)
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((ratio < 0.1) | (ratio > 10))
    close, start = frame["close"].to_numpy(), segment_starts(frame, rows)
    hits, texts = [], []
    for row, first in zip(rows, np.maximum(start, rows - UNIT_PAST), strict=True):
        factor = close[row] / np.median(close[first:row])
        if row - first >= UNIT_LEAST and _is_unit_step(factor):
            hits.append(row)
            times = "100 times" if factor > 1 else "a 100th of"
            texts.append(f"{close[row]:.10g}, about {times} the median of the closes before")
    return hits_at(np.array(hits, dtype=np.int64), texts, column="close") if hits else no_hits()


def is_change_of_unit(frame: Frame, rows: Ints) -> Bools:
    """Whether each of `rows` moves as from pence to pounds, five rows or more behind it. (row,)."""
    ratio = close_ratios(frame)[rows]
    return np.asarray(_is_unit_step(ratio) & (rows - segment_starts(frame, rows) >= UNIT_LEAST))


def _is_unit_step(ratio: Floats) -> Bools:
    """Whether prices in these ratios may be one price in pence and in pounds."""
    distance = np.abs(np.abs(np.log(ratio)) - np.log(UNIT_FACTOR))
    return np.asarray(distance < UNIT_NEAR)


def _spike_rows(frame: Frame) -> Ints:
    """Positions of the spikes."""
    size, starts = _absolute_returns(frame), np.flatnonzero(is_segment_start(frame))
    rows = _possible_spikes(size, starts)
    parts = [rows[k : k + AT_ONCE] for k in range(0, len(rows), AT_ONCE)]
    rows = np.concatenate([rows[:0], *(_likely_spikes(size, part, starts) for part in parts)])
    rows = rows[size[rows] > _past_bounds(size, rows, starts)]
    rows = np.union1d(rows, np.flatnonzero(size > TENFOLD))
    return np.asarray(rows[~is_change_of_unit(frame, rows)])


def _absolute_returns(frame: Frame) -> Floats:
    """Absolute log returns; NaN at the first row of a segment. Shape (row,)."""
    return np.asarray(np.abs(np.log(close_ratios(frame))))


def _possible_spikes(size: Floats, starts: Ints) -> Ints:
    """Rows that may be spikes: a bound of their past median is small enough. None is missed.

    Cuts the rows into blocks of 50. If a return is above c times the median of the n returns before
    it, half of these are below a c-th of it. They touch some blocks, so one of these holds at least
    n / 2 over their number: 10 of at least 60 returns in three blocks, 21 of 250 in six. Then the
    tenth (21st) smallest of that block is below a c-th too.
    """
    n_blocks = -(-len(size) // BLOCK)
    padded = np.full(n_blocks * BLOCK, np.inf)
    padded[: len(size)] = size
    blocks = np.sort(padded.reshape(n_blocks, BLOCK), axis=1)  # NaN last
    lowest = blocks[:, RANKS]  # (block, rank)
    for back in range(1, min(N_BLOCKS, n_blocks)):
        np.fmin(lowest[back:], blocks[:-back, RANKS], out=lowest[back:])
    is_large = padded.reshape(n_blocks, BLOCK) > BOUND * lowest[:, :1]
    rows = np.flatnonzero(is_large.ravel()[: len(size)])
    is_short = rows - _first_returns(rows, starts) < N_PAST
    return np.asarray(rows[is_short | (size[rows] > BOUND * lowest[rows // BLOCK, 1])])


def _likely_spikes(size: Floats, rows: Ints, starts: Ints) -> Ints:
    """Those of `rows` with a past long enough, half below their bound and most of it not 0."""
    padded = np.concatenate([np.full(N_PAST, np.nan), size])
    past = np.lib.stride_tricks.sliding_window_view(padded, N_PAST)[rows]  # (row, return)
    n_past = np.minimum(rows - _first_returns(rows, starts), N_PAST)
    is_own = np.arange(N_PAST) >= N_PAST - n_past[:, None]
    n_low = ((past < size[rows, None] / BOUND) & is_own).sum(axis=1)
    n_still = ((past == 0) & is_own).sum(axis=1)
    is_likely = (n_past >= N_LEAST) & (2 * n_low >= n_past) & (2 * n_still <= n_past)
    return np.asarray(rows[is_likely])


def _first_returns(rows: Ints, starts: Ints) -> Ints:
    """The row of the first return in the segment of each of `rows`; segments begin at `starts`."""
    return np.asarray(starts[np.searchsorted(starts, rows, side="right") - 1] + 1)


def _past_bounds(size: Floats, rows: Ints, starts: Ints) -> Floats:
    """Absolute log return above which each row is a spike: twenty deviations of its past.

    At most ten-fold, and that where fewer than 60 returns or a median of 0 say nothing.
    """
    bounds = np.full(len(rows), TENFOLD)
    begin = np.maximum(_first_returns(rows, starts), rows - N_PAST)
    for k in np.flatnonzero(rows - begin >= N_LEAST):
        bounds[k] = min(BOUND * np.median(size[begin[k] : rows[k]]) or TENFOLD, TENFOLD)
    return bounds


def _clip_bounds(frame: Frame) -> dict[int, tuple[float, float]]:
    """Row -> the close before, itself clipped, and the bound that the row's own close goes to."""
    size, is_start = _absolute_returns(frame), is_segment_start(frame)
    starts, close = np.flatnonzero(is_start), frame["close"].to_numpy()
    bounds: dict[int, tuple[float, float]] = {}
    last = -1
    for spike in _spike_rows(frame):
        row = int(spike)
        while row > last and row < len(close) and not is_start[row]:
            last = row
            before = bounds[row - 1][1] if row - 1 in bounds else close[row - 1]
            move, most = np.log(close[row] / before), _past_bounds(size, np.array([row]), starts)[0]
            if abs(move) <= most:
                break
            bounds[row] = float(before), float(before * np.exp(np.copysign(most, move)))
            row += 1
    return bounds
