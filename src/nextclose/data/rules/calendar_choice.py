"""Each symbol's calendar, proven by its bars: kept, another taken, or refused with a proposal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from nextclose.config import DataConfig
from nextclose.data.calendars.evidence import (
    LOOSE,
    SUNDAYS,
    Days,
    Fit,
    begins_on_sundays,
    best_calendars,
    fit_of,
    fits_of,
    is_better,
    misses_weekdays,
    most_closed,
    supposed_fit,
)
from nextclose.data.calendars.exchanges import (
    CRYPTO,
    UNKNOWN,
    WEEKDAYS,
    is_guess,
    other_readings,
)
from nextclose.data.catalogue import Issue, Place
from nextclose.data.findings import safe_text
from nextclose.data.reading.epochs import EXCEL, EXCEL_1904, FROM_1904_DAYS
from nextclose.data.rules.calendar_cures import Cure, cure_settings, dates_to_mend
from nextclose.data.rules.closed_days import has_filled_days, is_copy
from nextclose.data.rules.gaps import MAX_MEDIAN_DAYS
from nextclose.data.rules.steps import day_numbers, is_first
from nextclose.schema import Finding

EARLY_BARS = 250  # settle a calendar that no name tells: a year, so that holidays show
WINDOW = 60  # days in a row, of which a part may have odd dates
MIN_CLOSED = 5  # bars of closed days that are refused though no calendar explains them: of all
MAX_CLOSED = 1 / 25  # closed days beyond this share (India has trades on up to 1 in 40)
N_NAMED = 3  # calendars of one fit that a cure names

Frame = pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarChoice:
    """By symbol the calendars that bars prove, where others were supposed; what is to be said."""

    taken: Mapping[str, str]
    findings: Sequence[Finding]


def settle_calendars(
    frame: Frame, exchanges: Mapping[str, str], config: DataConfig, paths: Sequence[str]
) -> CalendarChoice:
    """The calendars of the symbols, where the bars contradict the ones supposed.

    Of a symbol whose name leaves it open the first 250 bars decide, once and for all; with fewer,
    and where name or settings tell, a calendar that does not fit is refused.
    Expects: rows with the columns of `with_sessions` under `exchanges`.
    Causal: bars after the first 250 change no calendar, they can only have one refused.
    """
    taken: dict[str, str] = {}
    findings: list[Finding] = []
    for rows in _doubtful_symbols(frame):
        symbol = rows["symbol"][0]
        said = said_calendar(symbol, config)
        if said == WEEKDAYS:
            continue
        days, exchange = _days(rows), exchanges[symbol]
        place: Place = {
            "path": paths[rows["part"][0]],
            "symbol": safe_text(symbol),
            "column": "date",
        }
        if said is None:
            exchange = _early_choice(symbol, rows, days, exchange)
        if exchange != exchanges[symbol]:
            taken[symbol] = exchange
            fit = fit_of(days, exchanges[symbol])
            findings.append(_taken_note(fit, exchanges[symbol], exchange, place))
        fit = supposed_fit(days, exchange)
        cure = None
        if fit.is_refuted:
            cure = _cure_of_serials(days, fit, exchange, config) or _cure(
                rows, days, exchange, is_shifted=config.day_shift is not None
            )
            if cure is None and said is not None and misses_weekdays(days, exchange):
                cure = Cure(words="set data.calendar = EXCHANGE, open on the weekdays of the bars.")
            if cure is not None and said is None and is_guess(symbol):
                cure = _with_sundays(cure, days, exchange)
        if cure is None:  # a part may be odd, as of dates that stand a day early from some day on
            days = most_closed(days, exchange, n=WINDOW)
            fit = supposed_fit(days, exchange)
            cure = _cure_of_part(days, fit, exchange)
        if cure is not None:
            is_alone = len(exchanges) == 1
            findings.append(_refusal(days, fit, exchange, cure, place, is_alone=is_alone))
    return CalendarChoice(taken=taken, findings=findings)


def said_calendar(symbol: str, config: DataConfig) -> str | None:
    """What the settings say of the symbol's calendar."""
    said = config.calendar
    return said.get(symbol) if isinstance(said, Mapping) else said


def _doubtful_symbols(frame: Frame) -> Iterator[Frame]:
    """The rows of each symbol that may contradict its calendar, in its first year or altogether.

    A quick look that errs on the side of doubt: three days without session or 1 in 100 missing.
    """
    if not frame.height:
        return
    starts = np.flatnonzero(is_first(frame))
    stops = np.append(starts[1:], frame.height)
    early = np.minimum(starts + EARLY_BARS, stops)
    is_session = frame["is_session"].to_numpy()
    ordinal = frame["ordinal"].to_numpy()
    n_open = np.concatenate([[0], np.cumsum(is_session)])
    is_doubtful = np.zeros(len(starts), dtype=np.bool_)
    for ends in (early, stops):
        n_present = n_open[ends] - n_open[starts]
        n_spanned = ordinal[ends - 1] - ordinal[starts] + is_session[starts]
        n_closed = ends - starts - n_present
        is_doubtful |= (n_closed >= 3) | (100 * (n_spanned - n_present) > n_spanned)
    for start, stop in zip(starts[is_doubtful], stops[is_doubtful], strict=True):
        rows = frame[int(start) : int(stop)].filter(pl.col("close").is_not_null())
        if rows.height > 1:
            yield rows


def _days(rows: Frame) -> Days:
    """The days of one symbol's bars; the first of several bars of a day stands for it."""
    day, is_idle = day_numbers(rows).astype("datetime64[D]"), is_copy(rows)
    is_new = np.append(True, day[1:] != day[:-1])
    return Days(day=day[is_new], is_idle=is_idle[is_new])


def _early_choice(symbol: str, rows: Frame, days: Days, supposed: str) -> str:
    """The calendar that the first bars of a symbol prove where its name leaves one open."""
    if len(days.day) < EARLY_BARS:
        return supposed
    early = days.first(EARLY_BARS)
    fit = fit_of(early, supposed)
    if not fit.is_refuted:
        return supposed
    for other in other_readings(symbol):
        if is_better(fit_of(early, other), fit):
            return other
    if not is_guess(symbol):
        return supposed
    if has_filled_days(rows[:EARLY_BARS], supposed):
        return supposed
    best = best_calendars(early)
    if len(best) != 1 or not is_better(fit_of(early, best[0]), fit):
        return supposed
    if best[0] == CRYPTO:
        return CRYPTO
    # from Sunday to Thursday an exchange trades, or dates stand a day early: nobody can tell
    return supposed if fit_of(early, UNKNOWN).has_closed_days else best[0]


def _cure(rows: Frame, days: Days, exchange: str, *, is_shifted: bool) -> Cure | None:
    """What would make the days fit; None where nothing explains them better than `exchange`."""
    fit, of_week = supposed_fit(days, exchange), fit_of(days, UNKNOWN)
    if np.median(np.diff(days.day).astype(np.int64)) > MAX_MEDIAN_DAYS:
        return None  # no daily bars: not a matter of calendars
    if fit.has_closed_days and has_filled_days(rows, exchange):
        words = "give the prices as they traded, without days that were filled in."
        return Cure(words=words)
    is_weekend = of_week.has_closed_days
    shifts = (0, 1, -1) if is_weekend and not is_shifted else (0,)
    cures = [_cure_by_calendar(days, exchange, fit, shift=shift) for shift in shifts]
    if _has_times(rows):  # the clock of the right exchange moves stamps by itself
        by_clock = (_cure_by_clock(days, fit, shift=shift) for shift in shifts)
        cures = [
            by_calendar if cure and exchange in cure.calendars else cure
            for cure, by_calendar in zip(by_clock, cures, strict=True)
        ]
    better = [cure for cure in cures if cure is not None]
    if better:
        return min(better, key=lambda cure: cure.n_odd)
    if not (fit.has_closed_days and (fit.lacks_sessions or _has_many_closed(days, exchange, fit))):
        return None
    if is_weekend or of_week.n_odd >= fit.n_odd:
        symbol = safe_text(rows["symbol"][0])
        clock = f'set data.calendar = {{"{symbol}" = EXCHANGE}}, by whose clock the stamps are.'
        return Cure(words=clock if _has_times(rows) else dates_to_mend(exchange))
    return Cure(calendars=(WEEKDAYS,))


def _cure_of_serials(days: Days, fit: Fit, exchange: str, config: DataConfig) -> Cure | None:
    """The other day from which spreadsheets count, where days counted from it fit."""
    if config.date_format != EXCEL:
        return None
    moved = supposed_fit(days.moved(FROM_1904_DAYS), exchange)
    words = f'set data.date_format = "{EXCEL_1904}".'
    return Cure(words=words) if is_better(moved, fit) else None


def _with_sundays(cure: Cure, days: Days, exchange: str) -> Cure:
    """The cure, with the calendar of an exchange open from Sunday to Thursday beside a shift.

    Only holidays tell the two apart, where the days once shifted keep those of an exchange.
    """
    if cure.shift != 1 and not (cure.words == dates_to_mend(exchange) and begins_on_sundays(days)):
        return cure
    moved = days.moved(1)
    name = next(iter(cure.calendars), exchange)
    if name and is_better(supposed_fit(moved, name), fit_of(moved, UNKNOWN)):
        return cure
    fitting = [other for other, fit in fits_of(days, SUNDAYS).items() if not fit.is_refuted]
    instead = next(iter(fitting), WEEKDAYS)
    return replace(cure, shift=1, words="", instead=instead)


def _has_times(rows: Frame) -> bool:
    """Whether the dates are those of stamps with a time of day."""
    return "second_of_day" in rows.columns and bool((rows["second_of_day"] != 0).any())


def _cure_of_part(days: Days, fit: Fit, exchange: str) -> Cure | None:
    """What to do about the days of a part of the history; None where they fit well enough."""
    if np.median(np.diff(days.day).astype(np.int64)) > MAX_MEDIAN_DAYS:
        return None
    if fit.n_traded < MIN_CLOSED or (exchange in LOOSE and not fit.lacks_sessions):
        return None
    return Cure(words=dates_to_mend(exchange))


def _has_many_closed(days: Days, exchange: str, fit: Fit) -> bool:
    """Whether so many bars are of closed days that something is wrong, no session being missed.

    Currencies and futures begin their week on Sunday: some vendors have a bar of that evening.
    """
    if (
        exchange in LOOSE
        and not supposed_fit(most_closed(days, exchange, n=WINDOW), exchange).lacks_sessions
    ):
        return False
    return fit.n_traded >= MIN_CLOSED and fit.n_traded > MAX_CLOSED * fit.n_closed


def _cure_by_calendar(days: Days, exchange: str, fit: Fit, *, shift: int) -> Cure | None:
    """The calendars that explain days moved by `shift` much better than `exchange` the days.

    One year of days is asked: the first, or if that is of `exchange`, the last.
    """
    days = days.moved(shift)
    of_same = supposed_fit(days, exchange)
    if is_better(of_same, fit):
        return Cure(shift=shift, n_odd=of_same.n_odd)
    early = days.first(EARLY_BARS)
    year = early if supposed_fit(early, exchange).is_refuted else days.last(EARLY_BARS)
    best = best_calendars(year)
    if not best or not is_better(of_best := fit_of(days, best[0]), fit):
        return None
    n_odd = of_best.n_odd
    return Cure(calendars=best[:N_NAMED], shift=shift, n_odd=n_odd)


def _cure_by_clock(days: Days, fit: Fit, *, shift: int) -> Cure | None:
    """The calendars by whose clocks stamps would be of other days that fit much better."""
    days = days.moved(shift)
    best = best_calendars(days.first(EARLY_BARS))
    if not best or not is_better(of_best := fit_of(days, best[0]), fit):
        return None
    return Cure(calendars=best[:N_NAMED], n_odd=of_best.n_odd)


def _counts(fit: Fit) -> str:
    return (
        f"bars on {fit.n_traded} of {fit.n_closed} closed days, "
        f"none on {fit.n_missing} of {fit.n_sessions} sessions"
    )


def _taken_note(fit: Fit, supposed: str, taken: str, place: Place) -> Finding:
    return Issue.CLOSED_DAY.finding(
        f"{_counts(fit)} of {supposed or WEEKDAYS}",
        response="R",
        rule=f"the calendar of the bars, {taken}, is taken, as the first {EARLY_BARS} show it",
        fix="",
        **place,
    )


def _refusal(
    days: Days, fit: Fit, exchange: str, cure: Cure, place: Place, *, is_alone: bool
) -> Finding:
    name = exchange or WEEKDAYS
    return Issue.CLOSED_DAY.finding(
        f"{_counts(fit)}, {days.day[0]} to {days.day[-1]}",
        response="E",
        rule=f"bars on the sessions of {name}, but for 1 in 50",
        fix=cure.words or f"{cure_settings(cure, place['symbol'], is_alone=is_alone)}.",
        **place,
    )
