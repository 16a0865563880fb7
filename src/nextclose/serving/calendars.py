"""The calendars of a bundle's symbols, against the days of later bars."""

from __future__ import annotations

import numpy as np
import polars as pl

from nextclose.data.calendars.evidence import Days, supposed_fit
from nextclose.data.calendars.exchanges import WEEKDAYS
from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.errors import DataError
from nextclose.schema import Bars
from nextclose.serving.manifest import Manifest


def refuse_other_calendars(bars: Bars, manifest: Manifest) -> None:
    """Refuse later bars of another calendar than a symbol had at training, if they contradict that.

    Days that fit the calendar of then are forecast by the one that they came with.
    Raises: DataError naming each such symbol (51).
    """
    then, now = manifest.exchanges, bars.exchanges
    others = [name for name in sorted(then) if name in now and now[name] != then[name]]
    findings = []
    for name in others:
        day = bars.frame.filter(pl.col("symbol") == name)["session"].to_numpy()
        days = Days(day=day.astype("datetime64[D]"), is_idle=np.zeros(len(day), dtype=np.bool_))
        fit = supposed_fit(days, then[name])
        if fit.is_refuted:
            findings.append(
                Issue.CLOSED_DAY.finding(
                    f"bars by the calendar of {now[name] or WEEKDAYS}, {fit.n_odd} days of them "
                    f"not by that of {then[name]}",
                    response="E",
                    rule=f"bars of the exchange of the bundle's training, {then[name]}",
                    fix="give the bars of that exchange, or train again with these.",
                    symbol=safe_text(name),
                )
            )
    if findings:
        raise DataError(tuple(findings))
