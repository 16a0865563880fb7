"""Catalogue 35-53: when a row was."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import polars as pl

from tests.catalogue.cases import (
    CLOSES,
    DAYS,
    EVERY_DAY,
    Case,
    Row,
    Write,
    base,
    cells,
    close_rows,
    csv,
    sessions_from,
    text_of,
    walk,
)
from tests.catalogue.files import parquet, typed

SAME = base()
GONE = (0, 1, 2, 3, 5, 6, 7, 8, 9)  # without 2019-03-08
EPOCH = date(1970, 1, 1)


def dated(write_day: Callable[[date], str], *, symbol: str = "AAPL") -> Write:
    """The base with each date written in another way."""
    rows = [row | {"date": write_day(day)} for day, row in zip(DAYS, SAME, strict=True)]
    return csv(text_of(rows), name=f"{symbol}.csv")


def as_unit(unit: int) -> Callable[[date], str]:
    return lambda day: str((day - EPOCH).days * 86_400 * unit)


def reordered(*positions: int) -> Write:
    return csv(text_of([SAME[k] for k in positions]))


def zoned(zone: str, hour: int, *, show: str = "UTC", symbol: str = "AAPL") -> Write:
    """Stamps at an hour of a zone, shown in another."""
    local = pl.Series("date", [datetime(d.year, d.month, d.day, hour) for d in DAYS])
    stamps = local.dt.replace_time_zone(zone).dt.convert_time_zone(show)
    return parquet(typed().with_columns(stamps), name=f"{symbol}.parquet")


def stretched(step: timedelta, n: int = 40) -> Write:
    """n closes at a fixed distance, from 2015 on."""
    days = [(date(2015, 1, 5) + k * step).isoformat() for k in range(n)]
    return csv(text_of(close_rows(days, walk(n))))


def less(*gone: int) -> Write:
    return csv(text_of([row for k, row in enumerate(SAME) if k not in gone]))


def long_gap(n_missing: int) -> Write:
    """Thirty sessions, ten of them before a gap of n_missing."""
    days = sessions_from("2018-01-02", 30 + n_missing)
    rows = close_rows(days, walk(30 + n_missing))
    return csv(text_of(rows[:10] + rows[10 + n_missing :]))


def extra(day: str, **changes: str) -> Write:
    """The base with a row more, after the fifth."""
    row = {**SAME[4], "date": day, **changes}
    return csv(text_of([*SAME[:5], row, *SAME[5:]]))


FLAT = {"open": "10.3", "high": "10.3", "low": "10.3", "close": "10.3", "volume": "0"}
TOMORROW = (datetime.now(UTC) + timedelta(days=40)).date().isoformat()
FUTURE: list[Row] = [*SAME, {**SAME[-1], "date": TOMORROW}]
CLOSED = [day for day in sessions_from("2001-08-30", 20)]  # over 2001-09-11
TOKYO = sessions_from("2019-01-04", 60, exchange="XTKS")
STORM = [day for day in sessions_from("2012-10-15", 20)]  # over the storm of 2012-10-29

DEARER = base(
    {
        (k, c): f"{float(SAME[k][c]) + 5:.1f}"
        for k in EVERY_DAY
        for c in ("open", "high", "low", "close")
    }
)
COMPANIES = [
    row | {"paper": name} for name, rows in (("AAPL", SAME), ("MSFT", DEARER)) for row in rows
]
LISTINGS = [
    row | {"symbol": "AAPL", "exchange": name}
    for name, rows in (("NYSE", SAME), ("LSE", DEARER))
    for row in rows
]

DATE_CASES = (
    *(
        Case(number=35, title=text or "empty", write=cells((4, "date", text)), codes={"E35": 1, "W52": 1}, row=6, column="date", kept=GONE)
        for text in ("yesterday", "2019-02-30", "", "2019-13-01")
    ),
    Case(number=36, title="day or month first, undecided", write=csv("date,close\n03/04/2019,10\n04/04/2019,11\n05/04/2019,10.5\n"), codes={"E36": 3, "W21": 1}, row=2, found="03/04/2019", fix="data.date_format", kept=()),
    Case(number=36, title="settled by a day above 12", write=dated(lambda day: day.strftime("%d/%m/%Y")), codes={}),
    Case(number=36, title="month first", write=dated(lambda day: day.strftime("%m/%d/%Y")), codes={}),
    Case(number=36, title="said", write=csv("date,close\n04/03/2019,10\n05/03/2019,10.2\n06/03/2019,10.1\n"), data={"date_format": "%d/%m/%Y"}, codes={"W21": 1}, kept=(0, 1, 2)),
    Case(number=36, title="two orders in one file", write=csv("date,close\n13/03/2019,10\n03/14/2019,11\n"), codes={"E36": 2, "W21": 1}, kept=()),
    Case(number=36, title="settled, with a clock of twelve hours", write=dated(lambda day: day.strftime("%m/%d/%Y 4:00:00 PM")), codes={}),
    Case(number=36, title="settled, midnight on a clock of twelve hours", write=dated(lambda day: day.strftime("%m/%d/%Y 12:00:00 AM")), codes={}),
    Case(number=36, title="said, with a clock of twelve hours", write=csv("date,close\n03/04/2019 4:00:00 PM,10\n03/05/2019 4:00:00 PM,10.2\n03/06/2019 4:00 pm,10.1\n"), data={"date_format": "%m/%d/%Y"}, codes={"W21": 1}, kept=(0, 1, 2)),
    Case(number=37, title="two-digit year", write=dated(lambda day: day.strftime("%y-%m-%d")), codes={"E37": 10}, row=2, found="19-03-04", fix="data.date_format", kept=()),
    Case(number=37, title="two-digit year, said", write=dated(lambda day: day.strftime("%y-%m-%d")), data={"date_format": "%y-%m-%d"}, codes={}),
    Case(number=37, title="two-digit year, slashes", write=dated(lambda day: day.strftime("%d/%m/%y")), codes={"E37": 10}, fix="data.date_format", kept=()),
    Case(number=38, title="YYYYMMDD", write=dated(lambda day: day.strftime("%Y%m%d")), codes={"R38": 10}),
    Case(number=38, title="epoch in s", write=dated(as_unit(1)), codes={"R38": 10}),
    Case(number=38, title="epoch in ms", write=dated(as_unit(1_000)), codes={"R38": 10}),
    Case(number=38, title="epoch in us", write=dated(as_unit(1_000_000)), codes={"R38": 10}),
    Case(number=38, title="epoch in ns", write=dated(as_unit(1_000_000_000)), codes={"R38": 10}),
    Case(number=38, title="epoch in s, said", write=dated(as_unit(1)), data={"date_format": "epoch-s"}, codes={}),
    Case(number=38, title="epoch in s with .0", write=dated(lambda day: f"{as_unit(1)(day)}.0"), codes={"R38": 10}),
    Case(number=38, title="epoch in s with .0, said", write=dated(lambda day: f"{as_unit(1)(day)}.0"), data={"date_format": "epoch-s"}, codes={}),
    Case(number=38, title="integers of no reading", write=csv("date,close\n1,10\n2,11\n3,10.5\n"), codes={"E38": 3, "W21": 1}, fix="data.date_format", kept=()),
    Case(number=39, title="spreadsheet serial", write=dated(lambda day: str((day - date(1899, 12, 30)).days)), codes={"E39": 10}, found="43528", fix='data.date_format = "excel"', kept=()),
    Case(number=39, title="spreadsheet serial, said", write=dated(lambda day: str((day - date(1899, 12, 30)).days)), data={"date_format": "excel"}, codes={}),
    Case(number=39, title="days from 1970", write=dated(lambda day: str((day - date(1970, 1, 1)).days)), codes={"E39": 10}, found="17959", fix="data.date_format = READING", kept=()),
    Case(number=39, title="days from 1970, said", write=dated(lambda day: str((day - date(1970, 1, 1)).days)), data={"date_format": "epoch-d"}, codes={}),
    Case(number=40, title="out of order", write=reordered(0, 3, 1, 2, 4, 5, 6, 7, 8, 9), codes={"R40": 2}),
    Case(number=40, title="last row first", write=reordered(9, 0, 1, 2, 3, 4, 5, 6, 7, 8), codes={"R40": 9}),
    Case(number=41, title="newest first", write=reordered(*reversed(EVERY_DAY)), codes={"R41": 10}),
    Case(number=42, title="a row twice", write=reordered(0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9), codes={"R42": 1}),
    Case(number=42, title="a row thrice", write=reordered(0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9), codes={"R42": 2}),
    Case(number=43, title="same date, other values", write=csv(text_of([*SAME[:5], {**SAME[4], "close": "10.4"}, *SAME[5:]])), codes={"E43": 1}, row=7, session="2019-03-08", found="10.4 against 10.3", fix='data.duplicates = "last"'),
    Case(number=43, title="same date, the last kept", write=csv(text_of([*SAME[:5], {**SAME[4], "close": "10.4"}, *SAME[5:]])), data={"duplicates": "last"}, codes={"P43": 1}, closes=[*CLOSES[:4], 10.4, *CLOSES[5:]]),
    Case(number=43, title="two companies", write=csv(text_of(COMPANIES), name="all.csv"), codes={"E43": 10}, found="10 of 10 dates", fix='data.columns = { "paper" = "symbol" }', kept=()),
    Case(number=43, title="two companies, the last wanted", write=csv(text_of(COMPANIES), name="all.csv"), data={"duplicates": "last"}, codes={"E43": 10}, kept=()),
    Case(number=43, title="two companies by name", write=csv(text_of([{**row, "Company": row["paper"]} for row in COMPANIES]), name="all.csv"), symbols=("AAPL", "MSFT"), closes=[*CLOSES, *(round(c + 5, 1) for c in CLOSES)]),
    Case(number=43, title="two exchanges", write=csv(text_of(LISTINGS)), codes={"E43": 10}, symbol="AAPL", fix='data.only = { "exchange" = "LSE" }', kept=()),
    Case(number=43, title="two exchanges, one said", write=csv(text_of(LISTINGS)), data={"only": {"exchange": "NYSE"}}, codes={"W43": 10}),
    Case(number=44, title="midnight in New York", write=zoned("America/New_York", 0, show="America/New_York")),
    Case(number=44, title="midnight in New York, shown in UTC", write=zoned("America/New_York", 0), codes={"R44": 10}),
    Case(number=44, title="midnight in UTC is the date written", write=zoned("UTC", 0)),
    Case(number=44, title="midnight in Tokyo, shown in UTC", write=zoned("Asia/Tokyo", 0, symbol="SONY.T"), codes={"R44": 10}, symbols=("SONY.T",)),
    Case(number=44, title="zone unknown", write=zoned("Asia/Tokyo", 0, symbol="SONY.ZZ"), codes={"E44": 10}, fix="data.calendar", kept=()),
    Case(number=44, title="zone said", write=zoned("Asia/Tokyo", 0, symbol="SONY.ZZ"), data={"calendar": "XTKS"}, codes={"R44": 10}, symbols=("SONY.ZZ",)),
    Case(number=44, title="text with a zone", write=dated(lambda day: f"{day}T05:00:00Z"), codes={"R44": 10}),
    Case(number=45, title="midnight of a clock change", write=zoned("America/Sao_Paulo", 1, show="America/Sao_Paulo", symbol="PETR4.SA"), codes={"R44": 10, "W51": 2}, symbols=("PETR4.SA",), kept=None),
    Case(number=46, title="two rows a day", write=csv("date,close\n2019-03-04 10:00:00,10\n2019-03-04 16:00:00,11\n2019-03-05 10:00:00,10.5\n2019-03-05 16:00:00,10.6\n"), codes={"E46": 4, "W21": 1}, symbol="AAPL", kept=None),
    Case(number=46, title="hours in a column of their own", write=csv("date,time,close\n" + "".join(f"{d},{h}:00,{c}\n" for d, c in zip(DAYS, CLOSES, strict=True) for h in (10, 11))), codes={"E46": 20, "W21": 1}, symbol="AAPL", kept=()),
    Case(number=46, title="one time for all, in a column of its own", write=csv("date,time,close\n" + "".join(f"{d},16:00:00,{c}\n" for d, c in zip(DAYS, CLOSES, strict=True))), codes={"W21": 1}),
    Case(number=47, title="weekly", write=stretched(timedelta(days=7)), codes={"E47": 1, "W21": 1}, symbol="AAPL", found="7 days", kept=None),
    Case(number=47, title="monthly", write=stretched(timedelta(days=30)), codes={"E47": 1, "W21": 1}, found="30 days", kept=None),
    Case(number=48, title="a date of the future", write=csv(text_of(FUTURE)), codes={"E48": 1}, row=12, session=TOMORROW),
    Case(number=49, title="1899", write=cells((0, "date", "1899-12-29")), codes={"E49": 1}, row=2, found="1899-12-29", kept=EVERY_DAY[1:]),
    Case(number=50, title="an odd time of day at the end", write=csv("date,close\n" + "".join(f"{d} {'11:37:02' if k == 9 else '00:00:00'},{c}\n" for k, (d, c) in enumerate(zip(DAYS, CLOSES, strict=True)))), codes={"P50": 1, "W21": 1}, kept=EVERY_DAY[:-1]),
    Case(number=50, title="an odd time of day, kept", write=csv("date,close\n" + "".join(f"{d} {'11:37:02' if k == 9 else '00:00:00'},{c}\n" for k, (d, c) in enumerate(zip(DAYS, CLOSES, strict=True)))), data={"unfinished": "keep"}, codes={"W50": 1, "W21": 1}),
    Case(number=50, title="the day's bar and a price of that moment", write=csv("date,close\n" + "".join(f"{d} 00:00:00,{c}\n" for d, c in zip(DAYS, CLOSES, strict=True)) + f"{DAYS[-1]} 17:37:02,11.2\n"), codes={"P50": 1, "W21": 1}),
    Case(number=51, title="days a day early", write=dated(lambda day: str(day - timedelta(days=1))), codes={"E51": 1, "W51": 2, "W52": 1}, symbol="AAPL", fix="data.day_shift = 1", kept=None),
    Case(number=51, title="days a day early, moved", write=dated(lambda day: str(day - timedelta(days=1))), data={"day_shift": 1}, codes={}),
    Case(number=51, title="a wrong calendar", write=csv(text_of(close_rows(TOKYO, walk(60))), name="VOD.L.csv"), codes={"E51": 1, "W21": 1, "W52": 3}, symbol="VOD.L", found="closed days", fix='data.calendar = "XTKS"', kept=None),
    Case(number=51, title="a wrong calendar, the right one said", write=csv(text_of(close_rows(TOKYO, walk(60))), name="VOD.L.csv"), data={"calendar": {"VOD.L": "XTKS"}}, codes={"W21": 1}, kept=None),
    Case(number=51, title="a calendar of a symbol that is not there", write=csv(text_of(SAME)), data={"calendar": {"APPL": "XTKS"}}, codes={"W51": 1}, found="APPL"),
    Case(number=51, title="a flat Saturday without trade", write=extra("2019-03-09", **FLAT), codes={"P51": 1}),
    Case(number=51, title="a flat Saturday, kept", write=extra("2019-03-09", **FLAT), data={"non_session": "keep"}, codes={"W51": 1}, kept=None),
    Case(number=51, title="a Saturday with trades", write=extra("2019-03-09", close="10.4"), codes={"W51": 1}, kept=None),
    Case(number=51, title="a Saturday that copies Friday", write=extra("2019-03-09"), codes={"P51": 1}),
    Case(number=51, title="a Saturday that copies Friday, no calendar", write=extra("2019-03-09"), data={"calendar": "weekdays"}, codes={"P51": 1}),
    Case(number=51, title="a Saturday, no calendar", write=extra("2019-03-09", **FLAT), data={"calendar": "weekdays"}, codes={"W51": 1}, kept=None),
    Case(number=52, title="one session missing", write=less(4), codes={"W52": 1}, session="2019-03-11", kept=GONE),
    Case(number=52, title="five sessions missing", write=less(2, 3, 4, 5, 6), codes={"W52": 1}, kept=(0, 1, 7, 8, 9)),
    Case(number=52, title="six sessions missing", write=less(2, 3, 4, 5, 6, 7), codes={"E52": 1}, session="2019-03-14", fix='data.gaps = "split"', kept=(0, 1, 8, 9)),
    Case(number=52, title="six sessions missing, split", write=less(2, 3, 4, 5, 6, 7), data={"gaps": "split"}, codes={"P52": 1}, kept=(0, 1, 8, 9)),
    Case(number=52, title="twenty sessions missing", write=long_gap(20), codes={"E52": 1, "W21": 1}, kept=None),
    Case(number=53, title="2001-09-11", write=csv(text_of(close_rows(CLOSED, walk(20)))), codes={"W21": 1}, kept=None),
    Case(number=53, title="the storm of 2012", write=csv(text_of(close_rows(STORM, walk(20)))), codes={"W21": 1}, kept=None),
    Case(number=53, title="a closure that no calendar knows", write=csv(text_of(close_rows(CLOSED, walk(20)))), data={"calendar": "weekdays"}, codes={"W21": 1, "W52": 2}, kept=None),
)  # fmt: skip
