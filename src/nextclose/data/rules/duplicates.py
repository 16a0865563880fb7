"""Symbols side by side: one series under two names, and a panel without any dead ones."""

from __future__ import annotations

from itertools import chain

import numpy as np
import polars as pl

from nextclose.data.catalogue import Issue
from nextclose.data.findings import hits_at, no_hits
from nextclose.data.rules.steps import close_ratios, day_numbers, is_first, session_dates
from nextclose.schema import Bools, Finding, Floats

N_COMMON = 250  # sessions that twins share
CORRELATION = 1 - 1e-12
ONE_DAY_IN = 32  # days on which returns are compared first: 250 sessions hold seven at least
WEIGHTS = (1.0, 2**0.5, 3**0.5)  # of the day's return and the two before
N_EQUAL = 4  # equal mixtures on those days make a pair worth a closer look
EQUAL = 1e-9  # of one price on two scales
MARGIN_SESSIONS = 5  # before the newest row: alive at the end

Frame = pl.DataFrame


def twin_symbols(frame: Frame) -> Frame:
    """The first row of each symbol that has the returns of another, on 250 sessions or more.

    The same to the bit, or with a correlation of 1 - 1e-12. A pair is looked for on one day in 32,
    so that thousands of symbols cost no more than a sort of those days.
    """
    starts = np.flatnonzero(is_first(frame))
    pairs = _possible_twins(frame)
    if not pairs:
        return no_hits()
    names = frame["symbol"].gather(starts).to_list()
    stops = np.append(starts[1:], frame.height)
    series = {k: frame[int(starts[k]) : int(stops[k])] for k in {*chain(*pairs)}}
    returns = {k: (session_dates(rows), np.log(close_ratios(rows))) for k, rows in series.items()}
    rows, texts = [], []
    for first, second in pairs:
        n_common = _n_common_returns(returns[first], returns[second])
        if n_common:
            rows.append(starts[second])
            texts.append(f"{names[first]} and {names[second]}, {n_common} equal returns")
    return hits_at(np.array(rows, dtype=np.int64), texts) if rows else no_hits()


def survivorship(frame: Frame) -> tuple[Finding, ...]:
    """A warning if no symbol ends more than five sessions before the newest row."""
    if not frame.height:
        return ()
    first = is_first(frame)
    last = session_dates(frame.filter(pl.Series(np.append(first[1:], True))))
    if np.busday_count(last, last.max()).max() > MARGIN_SESSIONS:
        return ()
    n = len(last)
    symbols = "the one symbol" if n == 1 else f"all {n} symbols"
    return (Issue.SURVIVORSHIP.finding(f"{symbols} alive at the end"),)


def _possible_twins(frame: Frame) -> list[tuple[int, int]]:
    """Pairs of symbols, by number, with four equal mixtures on the days compared, or more.

    A mixture adds three returns in a row with weights that no other three make up by chance: single
    returns of cheap shares, a few ticks each, are shared by many.
    """
    day, series = day_numbers(frame), frame["series"].to_numpy()
    n = len(WEIGHTS)
    is_compared = day.astype(np.uint8) % ONE_DAY_IN == 0  # the last byte tells, and is small
    rows = n + np.flatnonzero(is_compared[n:] & (series[n:] == series[:-n]))
    close = np.log(frame["close"].to_numpy()[rows[:, None] - np.arange(n + 1)])
    mixture = -np.diff(close, axis=1) @ np.array(WEIGHTS)
    moves = mixture != 0  # still ones are equal by the thousand
    rows, mixture = rows[moves], mixture[moves]
    order = np.lexsort((mixture, day[rows]))
    rows, mixture = rows[order], mixture[order]
    is_pair = (np.diff(mixture) <= EQUAL) & (np.diff(day[rows]) == 0)
    number = np.searchsorted(np.flatnonzero(is_first(frame)), rows, side="right") - 1
    pair = np.sort(np.stack([number[:-1][is_pair], number[1:][is_pair]], axis=1), axis=1)
    pairs, n_equal = np.unique(pair, axis=0, return_counts=True)
    return [(int(first), int(second)) for first, second in pairs[n_equal >= N_EQUAL]]


def _n_common_returns(a: tuple[np.ndarray, Floats], b: tuple[np.ndarray, Floats]) -> int:
    """Sessions that both have, if their returns are those of twins; else 0."""
    _, in_a, in_b = np.intersect1d(a[0], b[0], return_indices=True)
    x, y = a[1][in_a], b[1][in_b]
    is_known: Bools = np.isfinite(x) & np.isfinite(y)
    x, y = x[is_known], y[is_known]
    if len(x) < N_COMMON or x.std() == 0 or y.std() == 0:
        return 0
    is_twin = np.array_equal(x, y) or np.corrcoef(x, y)[0, 1] >= CORRELATION
    return len(x) if is_twin else 0
