"""Axes that read well: round dates, limits that noise cannot fill, labels that do not touch."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import ConciseDateFormatter
from matplotlib.ticker import FixedLocator

from nextclose.schema import Dates, Ints

MAX_TICKS = 6  # dates on an axis that fits a phone


def set_date_ticks(panel: Axes) -> None:
    """Round dates for what is drawn; call it last."""
    low, high = panel.get_xlim()  # days since 1970, fractions too
    first, last = math.ceil(low), math.floor(high)
    locator = FixedLocator(date_ticks(first, max(first, last)).tolist())  # one tick at least
    panel.xaxis.set_major_locator(locator)
    panel.xaxis.set_major_formatter(_date_formatter(locator))


def set_session_ticks(panel: Axes, sessions: Dates) -> None:
    """Round dates for an axis that counts sessions: no gap where the exchange was shut."""
    days = sessions.astype("M8[D]").astype(np.int64)
    low, high = panel.get_xlim()
    first, last = max(math.ceil(low), 0), min(math.floor(high), len(days) - 1)
    ticks = date_ticks(int(days[first]), int(days[last]))
    places = np.searchsorted(days, ticks)  # the first session on or after a tick
    labels = _date_formatter(FixedLocator([])).format_ticks(ticks.tolist())  # type: ignore[no-untyped-call]
    panel.set_xticks(places.tolist(), labels)


def _date_formatter(locator: FixedLocator) -> ConciseDateFormatter:
    """Years, months, or days that name their month: `2013`, `Feb`, `14 Feb`."""
    return ConciseDateFormatter(  # type: ignore[no-untyped-call]
        locator,
        formats=["%Y", "%b", "%d %b", *["%H:%M"] * 3],
        zero_formats=["", "%Y", "%d %b", *["%H:%M"] * 3],
        show_offset=False,
    )


def date_ticks(first: int, last: int) -> Ints:
    """Round dates from `first` to `last`, at most `MAX_TICKS`, all in days since 1970. (tick,).

    For any range: matplotlib's own choice gives up on some, and warns of it on the terminal.
    """
    for n_days in (1, 2, 7, 14):
        if (last - first) // n_days < MAX_TICKS:
            return np.arange(first, last + 1, n_days)
    start, end = np.array([first, last]).astype("M8[D]").astype("M8[M]").astype(np.int64)
    for n_months in (1, 2, 3, 6, *(12 * k for k in (1, 2, 5, 10, 20, 50, 100, 1_000))):
        months = np.arange(-(-start // n_months) * n_months, end + 1, n_months)
        ticks = months.astype("M8[M]").astype("M8[D]").astype(np.int64)
        ticks = ticks[ticks >= first]
        if len(ticks) <= MAX_TICKS:
            break
    return ticks


def set_symmetric_limits(panel: Axes, *, centre: float, least: float) -> None:
    """Symmetric limits, never tighter than `least`: noise must not fill the panel."""
    low, high = panel.dataLim.intervaly
    reach = max(1.1 * abs(low - centre), 1.1 * abs(high - centre), least)
    panel.set_ylim(centre - reach, centre + reach)


def thin_labels(panel: Axes, *, n_labels: int) -> None:
    """Blank out labels that would touch each other."""
    step = -(-n_labels // 7)
    for i, label in enumerate(panel.get_xticklabels()):
        label.set_visible(i % step == 0)
