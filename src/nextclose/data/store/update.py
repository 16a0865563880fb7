"""[I/O] One symbol's stored history brought up to date: new, grown, unchanged or revised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from nextclose.config import DataConfig
from nextclose.data.bars import assemble_bars, raise_for_refusals
from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.store.index import VintageFacts, history_prices
from nextclose.data.store.providers import History, NoHistoryError, Provider, shape_fault
from nextclose.data.store.retry import Clock, with_retries
from nextclose.data.store.vintages import (
    is_finished,
    revised_sessions,
    with_fetch_time,
    with_new_sessions,
)
from nextclose.data.store.writer import StoreWriter
from nextclose.errors import NextcloseError
from nextclose.schema import Finding

FIRST_DAY = date(2000, 1, 1)  # of a history, unless another is asked for
N_OVERLAP = 10  # stored sessions that are asked for again, so that revisions are seen

State = Literal["new", "grown", "unchanged", "revised", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one symbol; "failed" stored nothing.

    `sessions`, `first` and `last` tell what the store holds of it now; `added` counts new sessions,
    `revised` those with other values than before.
    """

    symbol: str
    state: State
    sessions: int = 0
    added: int = 0
    revised: int = 0
    first: date | None = None
    last: date | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadSettings:
    """What is asked for, of whom, and under which settings; `since` None: as stored."""

    provider: Provider
    since: date | None
    config: DataConfig
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """The finished bars of one answer, what is known of it, and what was left out."""

    frame: pl.DataFrame
    facts: VintageFacts
    notes: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """What the store is to hold of a symbol from now on, and how that came."""

    state: State
    rows: pl.DataFrame
    facts: VintageFacts
    notes: tuple[Finding, ...]
    added: int
    revised: int = 0


def update_history(symbol: str, store: StoreWriter, settings: DownloadSettings) -> Outcome:
    """The symbol's history in the store, brought up to date.

    Raises: NoHistoryError; DataError if the history breaks a rule that refuses, or its stored file
    is damaged; OutputError. In each case the store is as it was.
    """
    stored = store.newest(symbol)
    change = (
        _first_history(symbol, settings)
        if stored is None
        else _later_history(symbol, settings, *stored)
    )
    if stored is None or change.facts != stored[0] or change.rows.height != stored[1].height:
        _check(symbol, change, settings)
        store.keep(symbol, change.rows, change.facts, is_revision=change.state == "revised")
    return Outcome(
        symbol=symbol,
        state=change.state,
        sessions=change.rows.height,
        added=change.added,
        revised=change.revised,
        first=change.rows["session"][0],
        last=change.rows["session"][-1],
        findings=change.notes,
    )


def _first_history(symbol: str, settings: DownloadSettings) -> _Change:
    answer = _answer(symbol, settings, since=settings.since or FIRST_DAY)
    rows = with_fetch_time(answer.frame, fetched_at=answer.facts.fetched_at)
    return _Change(
        state="new", rows=rows, facts=answer.facts, notes=answer.notes, added=rows.height
    )


def _later_history(
    symbol: str, settings: DownloadSettings, facts: VintageFacts, old: pl.DataFrame
) -> _Change:
    """The stored history with what is new; or the whole one asked for again, if it is another."""
    since = min(settings.since or facts.since, facts.since)
    if since == facts.since:
        recent = old["session"][-min(N_OVERLAP, old.height)]
        answer = _answer(symbol, settings, since=recent)
        if not _is_other(old, facts, answer):
            return _longer_history(old, facts, answer, since=since)
    answer = _answer(symbol, settings, since=since)
    _check_length(old, answer.frame)
    if not _is_other(old, facts, answer):
        return _longer_history(old, facts, answer, since=since)
    return _other_history(symbol, old, answer)


def _longer_history(
    old: pl.DataFrame, facts: VintageFacts, answer: _Answer, *, since: date
) -> _Change:
    rows = with_new_sessions(old, answer.frame, fetched_at=answer.facts.fetched_at)
    added = rows.height - old.height
    return _Change(
        state="grown" if added else "unchanged",
        rows=rows,
        facts=facts.model_copy(update={"since": since}),
        notes=answer.notes,
        added=added,
    )


def _other_history(symbol: str, old: pl.DataFrame, answer: _Answer) -> _Change:
    rows = with_fetch_time(answer.frame, fetched_at=answer.facts.fetched_at)
    sessions = revised_sessions(old, answer.frame, asked=answer.facts.since)
    note = Issue.REVISED_HISTORY.finding(
        "other values than were stored",
        response="W",
        rule="both vintages are kept, the newest is read",
        fix="data.as_of = DATE reads an older one.",
        path=answer.facts.provider,
        symbol=symbol,
        session=str(sessions[0]) if len(sessions) else "",
        count=max(len(sessions), 1),
    )
    return _Change(
        state="revised",
        rows=rows,
        facts=answer.facts,
        notes=(*answer.notes, note),
        added=rows.join(old, on="session", how="anti").height,
        revised=len(sessions),
    )


def _is_other(old: pl.DataFrame, facts: VintageFacts, answer: _Answer) -> bool:
    """Whether an answer says otherwise than what is stored, or is in another currency or basis."""
    kinds = [(kind.currency, kind.is_adjusted, kind.provider) for kind in (facts, answer.facts)]
    asked = answer.facts.since
    return kinds[0] != kinds[1] or bool(len(revised_sessions(old, answer.frame, asked=asked)))


def _answer(symbol: str, settings: DownloadSettings, *, since: date) -> _Answer:
    """The finished bars that the provider has from `since` on. Raises: NoHistoryError."""
    asked_at = settings.clock.now()
    history = with_retries(lambda: _history(symbol, settings, since=since), settings.clock)
    fault = shape_fault(history)
    if fault:
        client = getattr(history, "client", "") or settings.provider.name
        raise NoHistoryError(f"{fault} ({client})", number=Issue.OTHER_ANSWER)
    is_over = is_finished(
        history.frame, symbol=symbol, calendar=settings.config.calendar, now=asked_at
    )
    frame = history.frame.filter(is_over)
    if not frame.height:
        raise NoHistoryError("0 rows", number=Issue.NO_BARS)
    running = history.frame.filter(~is_over)["session"]
    notes = (_running_session_note(symbol, settings, running[0]),) if len(running) else ()
    facts = VintageFacts(
        fetched_at=settings.clock.now(),
        since=since,
        provider=settings.provider.name,
        client=history.client,
        currency=history.currency,
        zone=history.zone,
        is_adjusted=history.is_adjusted,
    )
    return _Answer(frame=frame, facts=facts, notes=notes)


def _history(symbol: str, settings: DownloadSettings, *, since: date) -> History:
    """One try. Raises: NoHistoryError, of number 73 for whatever else a provider stumbles over."""
    try:
        return settings.provider.history(symbol, since=since)
    except (NoHistoryError, NextcloseError):
        raise
    except Exception as error:  # foreign code
        raise NoHistoryError(
            safe_text(f"{type(error).__name__}: {error}"), number=Issue.OTHER_ANSWER
        ) from error


def _running_session_note(symbol: str, settings: DownloadSettings, session: date) -> Finding:
    """Rule 50: a running bar is left out of the store; the next fetch finds it finished."""
    return Issue.UNFINISHED_BAR.finding(
        "a bar whose session is not over",
        rule="a store holds finished bars",
        path=settings.provider.name,
        symbol=symbol,
        session=str(session),
    )


def _check_length(old: pl.DataFrame, new: pl.DataFrame) -> None:
    """Raise NoHistoryError if a whole history begins later than the stored one, or ends before."""
    spans = [f"{frame['session'][0]} to {frame['session'][-1]}" for frame in (new, old)]
    if new["session"][0] > old["session"][0] or new["session"][-1] < old["session"][-1]:
        found = f"only {spans[0]}, stored are {spans[1]}"
        raise NoHistoryError(found, number=Issue.OTHER_ANSWER)


def _check(symbol: str, change: _Change, settings: DownloadSettings) -> None:
    """Raise DataError if the rows break a rule that refuses."""
    name = change.facts.provider
    prices = history_prices(
        change.rows, path=name, symbol=symbol, facts=change.facts, config=settings.config
    )
    raise_for_refusals(assemble_bars([prices], config=settings.config, now=settings.clock.now()))
