"""What makes the days of bars fit a calendar, and how a refusal says so."""

from __future__ import annotations

from dataclasses import dataclass

from nextclose.data.calendars.exchanges import WEEKDAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Cure:
    """What makes the days fit: calendars, a shift of days, or words alone; how odd they stay."""

    calendars: tuple[str, ...] = ()
    shift: int = 0
    n_odd: int = 0
    words: str = ""
    instead: str = ""  # a calendar that makes days fit which are not to be shifted


def cure_settings(cure: Cure, symbol: str, *, is_alone: bool) -> str:
    """The settings of a cure in words, as in set data.calendar = "XSHG" (--calendar XSHG)."""
    shift = f"data.day_shift = {cure.shift}" if cure.shift else ""
    choices = []
    for k, name in enumerate(cure.calendars or ("",)):
        calendar = _calendar_setting(name, symbol, is_alone=is_alone)
        option = f" (--calendar {name})" if is_alone and not k and not shift else ""
        settings = [shift, *([calendar + option] if name else [])]
        choices.append(" and ".join(filter(None, settings)))
    if cure.instead:
        calendar = _calendar_setting(cure.instead, symbol, is_alone=is_alone)
        choices = [f"{choice} if days stand a day early" for choice in choices]
        choices.append(f"{calendar} if it trades from Sunday to Thursday")
    return f"set {', or '.join(choices)}"


def _calendar_setting(name: str, symbol: str, *, is_alone: bool) -> str:
    return f'data.calendar = "{name}"' if is_alone else f'data.calendar = {{"{symbol}" = "{name}"}}'


def dates_to_mend(exchange: str) -> str:
    """What is left to do where no setting makes the days fit."""
    name = exchange or WEEKDAYS
    return f"give the dates as {name} has them, and no bar of a day on which it is closed."
