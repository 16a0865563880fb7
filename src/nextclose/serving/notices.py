"""What a reader of forecasts must know: old bars, symbols never learnt, symbols missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from nextclose.data.calendars.exchanges import exchanges_of
from nextclose.data.calendars.sessions import session_table
from nextclose.data.catalogue import Issue
from nextclose.data.rules.alignment import last_finished_session
from nextclose.formatting import quantity
from nextclose.schema import Bars, Finding, Floats
from nextclose.serving.bundle import Bundle
from nextclose.serving.golden import golden_bars

N_NAMED = 8  # symbols of one notice
SAME_MOVES = 0.05  # mean difference of returns over their mean size: rounding, not another company


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    """One warning of a kind, and in a word or two what concerns each symbol's own forecast."""

    findings: tuple[Finding, ...]
    notes: Mapping[str, str]


def notices_of(bundle: Bundle, bars: Bars, forecasts: pl.DataFrame, *, now: datetime) -> Notices:
    """What there is to know about these forecasts of these bars. `now` is aware of its zone."""
    newest = dict(bars.frame.group_by("symbol").agg(pl.col("session").max()).iter_rows())
    exchange = bars.exchanges or exchanges_of(newest, calendar=bundle.manifest.data.calendar)
    due = {code: last_finished_session(code, now) for code in {exchange[name] for name in newest}}
    latest = {
        code: max(last for name, last in newest.items() if exchange[name] == code) for code in due
    }
    resolved = dict(forecasts.group_by("symbol").agg(pl.col("resolved").max()).iter_rows())
    issued = sorted(resolved)
    known_until = {code: session_table(code).last.item() for code in due}
    concerned = {
        Issue.STALE_BARS: [name for name in issued if newest[name] < due[exchange[name]]],
        Issue.EARLY_END: [name for name in issued if newest[name] < latest[exchange[name]]],
        Issue.NEVER_LEARNT: [name for name in issued if name not in bundle.manifest.symbols],
        Issue.CALENDAR_END: [
            name for name in issued if resolved[name] > known_until[exchange[name]]
        ],
    }
    findings = [
        issue.finding(_listed(names, newest), rule=_rule(issue, names, exchange, due))
        for issue, names in concerned.items()
        if names
    ]
    if missing := [name for name in bundle.manifest.symbols if name not in newest]:
        others = renamed_symbols(bundle, bars, missing)
        names = [f"{m} ({others[m]} has its moves)" if m in others else m for m in missing]
        findings.append(Issue.MISSING_SYMBOLS.finding(_listed(names)))
    notes = {
        name: "; ".join(WORDS[issue] for issue, names in concerned.items() if name in names)
        for name in issued
    }
    return Notices(findings=(*bundle.findings, *findings), notes=notes)


WORDS = {
    Issue.STALE_BARS: "stale",
    Issue.EARLY_END: "ends early",
    Issue.NEVER_LEARNT: "never learnt",
    Issue.CALENDAR_END: "date by weekdays",
}


def _rule(
    issue: Issue, names: Sequence[str], exchange: Mapping[str, str], due: Mapping[str, date]
) -> str:
    """The rule; of old bars with the day that they should reach."""
    if issue != Issue.STALE_BARS:
        return ""
    days = sorted({due[exchange[name]] for name in names})
    return f"{issue.rule}, {' or '.join(map(str, days))}"


def _listed(names: Sequence[str], newest: Mapping[str, date] | None = None) -> str:
    """Some of the symbols, with the sessions of their newest bars, and how many there are."""
    shown = [f"{name} {newest[name]}" if newest else name for name in names[:N_NAMED]]
    more = f" and {len(names) - N_NAMED} more" if len(names) > N_NAMED else ""
    return f"{quantity(len(names), 'symbol')}: {', '.join(shown)}{more}"


def renamed_symbols(bundle: Bundle, bars: Bars, missing: Iterable[str]) -> dict[str, str]:
    """Of the missing symbols those whose moves up to the fit a symbol never learnt has, by name."""
    fitted_at = date.fromisoformat(bundle.manifest.fitted_at)
    learnt = golden_bars(bundle.golden, bundle.manifest).frame
    known = bars.frame.filter(
        pl.col("session") <= fitted_at, ~pl.col("symbol").is_in(bundle.manifest.symbols)
    )
    moves = {str(symbol): _returns(frame) for (symbol,), frame in known.group_by(["symbol"])}
    renamed = {}
    for name in missing:
        wanted = _returns(learnt.filter(pl.col("symbol") == name))
        for other, found in sorted(moves.items()):
            if 0 < len(wanted) <= len(found) and _is_alike(wanted, found[-len(wanted) :]):
                renamed[name] = other
    return renamed


def _returns(frame: pl.DataFrame) -> Floats:
    return np.asarray(np.diff(np.log(frame["close"].to_numpy())))


def _is_alike(one: Floats, two: Floats) -> bool:
    return bool(np.abs(one - two).mean() <= SAME_MOVES * np.abs(one).mean())
