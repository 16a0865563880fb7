"""Calendars proven by days alone: found, missed and falsely refused, by length of history.

Each exchange's own sessions are judged by its own calendar (false: refused) and by each other one
(found: refused, and its own among those proposed; missed: accepted). Sessions are those published.
Run: python benchmarks/calendar_proof.py
"""

from __future__ import annotations

import json

import numpy as np

from nextclose.data.calendars.evidence import Days, best_calendars, supposed_fit
from nextclose.data.calendars.sessions import session_table

EXCHANGES = (
    *("XNYS", "XTSE", "XLON", "XETR", "XPAR", "XSWX", "XTKS", "XSHG", "XHKG", "XBOM", "XASX"),
    *("XTAI", "BVMF", "XJSE", "24/5", "24/7"),
)
LENGTHS = (60, 120, 250, 1000, 3000)
STARTS = (0, 700, 1400)


def main() -> None:
    """Print the table, and last one JSON line."""
    span = np.arange(np.datetime64("2006-03-01"), np.datetime64("2026-11-01"))
    rows = {}
    print("sessions   false   found  missed  other proposed")
    for n in LENGTHS:
        false = found = missed = other = 0
        for exchange in EXCHANGES:
            sessions = span[session_table(exchange).at(span)[1]]
            for start in STARTS:
                day = sessions[start : start + n]
                days = Days(day=day, is_idle=np.zeros(len(day), dtype=np.bool_))
                false += supposed_fit(days, exchange).is_refuted
                is_proposed = exchange in best_calendars(days.first(250))
                for wrong in EXCHANGES:
                    if wrong != exchange:
                        is_found = supposed_fit(days, wrong).is_refuted
                        found += is_found and is_proposed
                        other += is_found and not is_proposed
                        missed += not is_found
        rows[n] = {"false": false, "found": found, "missed": missed, "other": other}
        print(f"{n:8d}{false:8d}{found:8d}{missed:8d}{other:8d}")
    print(json.dumps({"bench": "calendar_proof", "rows": rows}))


if __name__ == "__main__":
    main()
