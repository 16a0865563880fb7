"""Sessions of a date column; the order of day and month is never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from nextclose.config import DataConfig
from nextclose.data.calendars.evenings import is_evening_before
from nextclose.data.calendars.exchanges import exchanges_of
from nextclose.data.calendars.sessions import zone_of
from nextclose.data.reading.columns.spellings import canonical_name
from nextclose.data.reading.date_words import english_dates
from nextclose.data.reading.epochs import (
    COMPACT,
    DAYS,
    SERIALS,
    UNITS,
    compact_dates,
    instants,
    integer_date_format,
    serial_days,
)
from nextclose.errors import ConfigError

ISO = "%Y-%m-%d"
NAMED_FORMATS = (
    ISO,
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    *("%d-%B-%Y", "%d %B %Y", "%B %d, %Y"),
    "%Y年%m月%d日",
)

ZONE = r"(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})"
STAMP = (  # a date, a time of day, perhaps of a clock of twelve hours, and perhaps a zone
    r"^(?<day>.+?)[T ]+(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,]\d+)?)?"
    rf"(?:\s*(?<half>[AaPp])\.?[Mm]\.?)?\s*(?<zone>{ZONE})?$"
)
ZONED = rf":\d{{2}}(?:[.,]\d+)?\s*{ZONE}$"
DAY_OR_MONTH_FIRST = r"^\d{1,2}[/.-]\d{1,2}[/.-]\d{4}(?:[T ].*)?$"
TIME = "time"  # a column of that name, beside one of dates, has times of day
CLOCKS = ("%H:%M:%S", "%H:%M", "%H%M%S", "%H%M")
DIGITS = r"^-?\d+$"
DAY_SECONDS = 86_400
N_CLOCK = 20  # stamps of an exchange that settle their usual time of day
FOUR_DIGITS = (-354_285, 2_932_896)  # days from 1970 to 1000-01-01 and to 9999-12-31


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDates:
    """A date column as read.

    `session` (Date) is null where a cell gave none. `second_of_day` (Int32): local seconds after
    midnight, null for plain dates; None where no stamp has a time of day. `is_moved`: the date is
    that of the exchange, not the one written; None where no date is. `unplaced` (Int64): the stamps
    in seconds of UTC, where one needed an exchange to give a date. `date_format`: what the column
    settled, as `data.date_format` would say it, "" where nothing had to be.
    """

    session: pl.Series
    second_of_day: pl.Series | None = None
    is_moved: pl.Series | None = None
    unplaced: pl.Series | None = None
    date_format: str = ""


def parse_dates(column: pl.Series, symbols: pl.Series, config: DataConfig) -> ParsedDates:
    """The sessions of a column of text, integers, dates or stamps; `symbols` tells exchanges.

    A stamp without a zone gives its date. One with a zone gives the date written if it is midnight
    there, else the date at the exchange; null where the exchange is not known. Where stamps stand
    in the evening before their session, as a midnight of Tokyo does in UTC, that session is meant.
    Raises: ConfigError for a date format that is none, or an exchange without a calendar.
    """
    parsed = _written_dates(column, symbols, config)
    if config.day_shift is None:
        return parsed
    return replace(parsed, session=parsed.session.dt.offset_by(f"{config.day_shift}d"))


def _written_dates(column: pl.Series, symbols: pl.Series, config: DataConfig) -> ParsedDates:
    """The sessions as their cells tell them, before `data.day_shift`."""
    if column.dtype == pl.Date:
        return ParsedDates(session=_of_four_digits(column))
    if isinstance(column.dtype, pl.Datetime):
        return _exchange_dates(_of_datetimes(_of_four_digits(column)), symbols, config)
    if column.dtype == pl.String and config.date_format is None:
        iso = column.str.to_date(ISO, strict=False)
        if iso.null_count() == column.null_count():
            return ParsedDates(session=_of_four_digits(iso))
    if column.dtype.is_float():
        column = column.fill_nan(None).cast(pl.Int64, strict=False)
    text = date_texts(column).str.replace(r"^(-?\d+)\.0+$", "$1")  # integers once taken for numbers
    if config.date_format is not None:
        return _exchange_dates(_dates_in_format(text, config.date_format), symbols, config)
    if text.null_count() < len(text) and text.str.contains(DIGITS).all():
        date_format = integer_date_format(text.cast(pl.Int64, strict=False), symbols)
        stamps = _dates_in_format(text, date_format) if date_format else _no_dates(text)
    else:
        stamps, date_format = _dates_in_known_formats(text)
    return _exchange_dates(stamps, symbols, config, date_format=date_format)


def column_of_times(
    frame: pl.DataFrame, names: Mapping[str, str], config: DataConfig
) -> pl.Series | None:
    """Seconds of the day in a column of times beside that of dates; None where it tells nothing.

    `names` is the `column_map`. A time that is the same in every row is none: it stamps daily bars.
    """
    said = {canonical_name(name) for name in config.columns}
    times = [name for name in frame.columns if canonical_name(name) == TIME and name not in names]
    if len(times) != 1 or TIME in said or "session" not in names.values():
        return None
    text = frame[times[0]].cast(pl.String).str.strip_chars()
    clock = pl.Series([None] * len(text), dtype=pl.Time)
    for form in CLOCKS:
        clock = clock.fill_null(text.str.to_time(form, strict=False))
    second = (clock.to_physical() // 10**9).cast(pl.Int32)
    return second if second.drop_nulls().n_unique() > 1 else None


def date_texts(column: pl.Series) -> pl.Series:
    """The cells as text, for messages; empty cells are null."""
    if column.dtype.is_temporal():
        text = _of_four_digits(column).cast(pl.String)
        return text.fill_null(column.to_physical().cast(pl.String))
    text = column.cast(pl.String).str.strip_chars()
    return text.set(text == "", None)


# Below, `stamps` frames have `day` (Date), `second` (Int32, of the day, as written; null without
# a time) and `utc` (Int64, seconds from 1970; null without a zone).


def _no_dates(text: pl.Series) -> pl.DataFrame:
    types = {"day": pl.Date(), "second": pl.Int32(), "utc": pl.Int64()}
    return pl.DataFrame({name: [None] * len(text) for name in types}, schema=types)


def _of_datetimes(column: pl.Series) -> pl.DataFrame:
    local = column.dt.replace_time_zone(None)
    second = (local.dt.epoch("s") % DAY_SECONDS).cast(pl.Int32)
    stamps = _no_dates(column).with_columns(local.dt.date().alias("day"), second.alias("second"))
    if getattr(column.dtype, "time_zone", None) is None:
        return stamps
    return stamps.with_columns(column.dt.epoch("s").alias("utc"))


def _dates_in_format(text: pl.Series, date_format: str) -> pl.DataFrame:
    """Cells in the format that the settings name; the rest in formats not to be mistaken for it.

    A format that begins with the year and a hyphen could be, so then there is no rest.
    """
    if date_format in (DAYS, *UNITS):
        chosen = _of_datetimes(instants(text.cast(pl.Int64, strict=False), date_format))
    elif date_format == COMPACT:
        chosen = _without_time(compact_dates(text.cast(pl.Int64, strict=False)))
    elif date_format in SERIALS:
        numbers = text.cast(pl.Float64, strict=False)
        chosen = _without_time(serial_days(numbers, date_format))
    else:
        chosen = _of_datetimes(_parse_stamps(text, date_format))
    others = () if date_format.startswith("%Y-") else NAMED_FORMATS
    rest = _dates_in_text(text, (date_format, *others) if "%" in date_format else others)
    is_chosen = chosen["day"].is_not_null()
    return pl.DataFrame([chosen[name].zip_with(is_chosen, rest[name]) for name in chosen.columns])


def _parse_stamps(text: pl.Series, date_format: str) -> pl.Series:
    if "%" in date_format:
        try:
            return text.str.to_datetime(date_format, time_unit="us", strict=False)
        except pl.exceptions.ComputeError:
            pass  # polars refuses some formats by raising, and reads nothing in others
    raise ConfigError(
        f"[data] date_format = {date_format!r} is no date format. Fix: write it as %d/%m/%Y, or as "
        f"one of {', '.join((*SERIALS, DAYS, *UNITS, COMPACT))}.",
        section="data",
        key="date_format",
    )


def _without_time(days: pl.Series) -> pl.DataFrame:
    return _no_dates(days).with_columns(days.alias("day"))


def _dates_in_known_formats(text: pl.Series) -> tuple[pl.DataFrame, str]:
    """Cells in formats with one reading, and those that the column's own dates settle."""
    stamps = _dates_in_text(text, NAMED_FORMATS)
    is_open = stamps["day"].is_null() & text.str.contains(DAY_OR_MONTH_FIRST)
    if not is_open.any():
        return stamps, ""
    open_cells = text.filter(is_open)
    mark = open_cells[0].lstrip("0123456789")[0]
    readings = {
        date_format: _dates_in_text(text, (*NAMED_FORMATS, date_format))
        for date_format in (f"%d{mark}%m{mark}%Y", f"%m{mark}%d{mark}%Y")
    }
    fitting = {
        date_format: days
        for date_format, days in readings.items()
        if days["day"].filter(is_open).is_not_null().all()
    }
    if len(fitting) != 1:
        return stamps, ""
    ((date_format, days),) = fitting.items()
    return days, date_format


def _dates_in_text(text: pl.Series, formats: tuple[str, ...]) -> pl.DataFrame:
    """Cells whose date is in the first of `formats` that fits, alone or before a time of day."""
    groups = text.to_frame("text").select(pl.col("text").str.extract_groups(STAMP)).unnest("text")
    day_text = groups["day"].fill_null(text)
    days = pl.Series([None] * len(text), dtype=pl.Date)
    for date_format in formats:
        if days.null_count() == day_text.null_count():
            break
        days = days.fill_null(day_text.str.to_date(date_format, strict=False))
    if days.null_count() > day_text.null_count():
        for date_format in ("%d %B %Y", "%B %d, %Y"):
            days = days.fill_null(english_dates(day_text).str.to_date(date_format, strict=False))
    hour, minute = (groups[name].cast(pl.Int32) for name in ("hour", "minute"))
    is_half = groups["half"].is_not_null()
    afternoon = 12 * groups["half"].is_in(["P", "p"]).cast(pl.Int32)
    is_hour = (is_half & hour.is_between(1, 12)) | (~is_half & (hour < 24))
    hour = (hour % 12 + afternoon).zip_with(is_half, hour)
    clock = groups["second"].cast(pl.Int32).fill_null(0)
    second = hour * 3600 + minute * 60 + clock
    is_time = is_hour & (minute < 60) & (clock < 60)
    days = days.set(is_time.not_().fill_null(value=False), None)
    utc = days.cast(pl.Int64) * DAY_SECONDS + second - _offset_seconds(groups["zone"])
    return pl.DataFrame({"day": days, "second": second, "utc": utc})


def _offset_seconds(zone: pl.Series) -> pl.Series:
    """Seconds that local time is ahead of UTC; null without a zone."""
    digits = zone.str.replace_all(r"[^0-9]", "").str.pad_end(4, "0").cast(pl.Int32, strict=False)
    sign = 1 - 2 * zone.str.starts_with("-").cast(pl.Int32)
    return sign * (digits // 100 * 3600 + digits % 100 * 60)


def _exchange_dates(
    stamps: pl.DataFrame, symbols: pl.Series, config: DataConfig, *, date_format: str = ""
) -> ParsedDates:
    """The dates, those of stamps with a zone and not at midnight taken at each exchange."""
    is_moved = (stamps["utc"].is_not_null() & (stamps["second"] != 0)).fill_null(value=False)
    unplaced = None
    if (stamps["second"] != 0).any():
        exchanges = exchanges_of(symbols.unique().drop_nulls(), calendar=config.calendar)
        exchange = symbols.replace_strict(exchanges, default=None, return_dtype=pl.String)
        if is_moved.any():
            unplaced = stamps["utc"]
            stamps = _at_exchanges(stamps, is_moved, exchange)
        if config.day_shift is None:
            is_evening = is_evening_before(stamps, exchange)
            is_moved = (is_moved | is_evening) & stamps["day"].is_not_null()
            next_day = stamps["day"].dt.offset_by("1d").zip_with(is_evening, stamps["day"])
            stamps = stamps.with_columns(next_day, stamps["second"].set(is_evening, 0))
    has_times = bool((stamps["second"] != 0).any())
    return ParsedDates(
        session=_of_four_digits(stamps["day"]),
        second_of_day=stamps["second"] if has_times else None,
        is_moved=is_moved if is_moved.any() else None,
        unplaced=unplaced,
        date_format=date_format,
    )


def _at_exchanges(stamps: pl.DataFrame, is_moved: pl.Series, exchange: pl.Series) -> pl.DataFrame:
    """The stamps with day and second of each exchange's clock; null where that is not known.

    A midnight in UTC keeps the date written, as plain dates have it, but for `_is_of_clock`. Its
    second is the exchange's if the date is: ten o'clock in Sydney is one time all the year.
    """
    local = _local_seconds(stamps["utc"], exchange)
    day = (local // DAY_SECONDS).cast(pl.Int32).cast(pl.Date)
    second = (local % DAY_SECONDS).cast(pl.Int32)
    is_same = (day == stamps["day"]).fill_null(value=False)
    is_moved = is_moved | (_is_of_clock(stamps["utc"], second, is_moved, exchange) & ~is_same)
    return stamps.with_columns(
        day.zip_with(is_moved, stamps["day"]).alias("day"),
        second.zip_with(is_moved | is_same, stamps["second"]).alias("second"),
    )


def _is_of_clock(
    utc: pl.Series, second: pl.Series, is_moved: pl.Series, exchange: pl.Series
) -> pl.Series:
    """Whether each midnight of UTC is the time that the exchange's other stamps have on its clock.

    So are half the stamps of eight in the evening in New York. The first others decide.
    """
    rows = pl.DataFrame({"utc": utc, "second": second, "exchange": exchange})
    others = rows.filter(is_moved).drop_nulls().sort("utc").group_by("exchange").head(N_CLOCK)
    others = others.filter(pl.len().over("exchange") == N_CLOCK)
    usual = others.group_by("exchange").agg(pl.col("second").mode().min().alias("usual"))
    rows = rows.join(usual, on="exchange", how="left", maintain_order="left")
    is_usual = (pl.col("utc") % DAY_SECONDS == 0) & (pl.col("second") == pl.col("usual"))
    return rows.select(is_usual.fill_null(value=False)).to_series()


def _local_seconds(utc: pl.Series, exchange: pl.Series) -> pl.Series:
    """Seconds of each exchange's own clock since 1970; null where the exchange is not known."""
    instant = pl.select(pl.from_epoch(utc, "s")).to_series().dt.replace_time_zone("UTC")
    local = pl.Series([None] * len(utc), dtype=pl.Int64)
    for name in sorted(set(exchange.unique().drop_nulls()) - {""}):
        clock = instant.dt.convert_time_zone(zone_of(name)).dt.replace_time_zone(None)
        local = clock.dt.epoch("s").zip_with(exchange == name, local)
    return local


def _of_four_digits(column: pl.Series) -> pl.Series:
    """Dates or stamps, null where the year has not four digits: polars itself fails on some."""
    n_per_day = 1
    if isinstance(column.dtype, pl.Datetime):
        n_per_day = DAY_SECONDS * {"ms": 10**3, "us": 10**6, "ns": 10**9}[column.dtype.time_unit]
    is_sound = (column.to_physical() // n_per_day).is_between(FOUR_DIGITS[0], FOUR_DIGITS[1])
    return column if is_sound.all() else column.set(~is_sound, None)
