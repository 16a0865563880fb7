"""Writes the calendars that are kept beside the code: every one that the library can build."""

from __future__ import annotations

import io
from pathlib import Path

import exchange_calendars
import numpy as np

import nextclose.data.calendars
from nextclose.data.calendars.library import FILE, KNOWN_FROM, KNOWN_UNTIL, library_calendar
from nextclose.durable import save
from nextclose.errors import ConfigError


def arrays_of_all() -> dict[str, np.ndarray]:
    """As `kept_arrays` reads them."""
    arrays = {"release": np.array(exchange_calendars.__version__)}
    days = np.arange(np.datetime64(KNOWN_FROM, "D"), np.datetime64(KNOWN_UNTIL, "D") + 1)
    for exchange in exchange_calendars.get_calendar_names(include_aliases=False):
        try:
            calendar = library_calendar(exchange)
        except ConfigError:
            continue
        after = calendar.closes - calendar.sessions.astype("datetime64[s]")
        arrays |= {
            f"{exchange} zone": np.array(calendar.zone),
            f"{exchange} sessions": np.packbits(np.isin(days, calendar.sessions)),
            f"{exchange} closes": after.astype("timedelta64[m]").astype(np.int16),
        }
    return arrays


if __name__ == "__main__":
    content = io.BytesIO()
    np.savez_compressed(content, **arrays_of_all())
    save(Path(nextclose.data.calendars.__path__[0]) / FILE, content.getvalue())
