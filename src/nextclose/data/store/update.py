"""[I/O] One symbol's stored history meets its provider: begun, grown, unchanged or revised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from nextclose.config import DataConfig
from nextclose.data.bars import assemble_bars, raise_for_refusals
from nextclose.data.catalogue import Issue
from nextclose.data.store.index import Facts, history_part
from nextclose.data.store.providers import NoHistoryError, Provider, shape_fault
from nextclose.data.store.retry import Clock, asked_patiently
from nextclose.data.store.vintages import grown, is_finished, revised_sessions, stamped
from nextclose.data.store.writer import Store
from nextclose.schema import Finding

FIRST_DAY = date(2000, 1, 1)  # of a history, unless another is asked for
N_OVERLAP = 10  # stored sessions that are asked for again, so that revisions are seen

State = Literal["new", "grown", "unchanged", "revised", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one symbol; "failed" stored nothing.

    `sessions`, `first` and `last` tell what the store holds of it now; `added` counts new sessions,
    `revised` those that are told otherwise than before.
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
class Order:
    """What is asked for, of whom, and under which settings; `since` None: as stored."""

    provider: Provider
    since: date | None
    config: DataConfig
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """The finished bars of one answer, what is known of it, and what was left out."""

    frame: pl.DataFrame
    facts: Facts
    notes: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """What the store is to hold of a symbol from now on, and how that came."""

    state: State
    rows: pl.DataFrame
    facts: Facts
    notes: tuple[Finding, ...]
    added: int
    revised: int = 0


def renewed(symbol: str, store: Store, order: Order) -> Outcome:
    """The symbol's history in the store, brought up to date.

    Raises: NoHistoryError; DataError if the history breaks a rule that refuses, or its stored file
    is damaged; OutputError. In each case the store is as it was.
    """
    held = store.newest(symbol)
    change = _begun(symbol, order) if held is None else _continued(symbol, order, *held)
    if held is None or change.facts != held[0] or change.rows.height != held[1].height:
        _check(symbol, change, order)
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


def _begun(symbol: str, order: Order) -> _Change:
    answer = _answer(symbol, order, since=order.since or FIRST_DAY)
    rows = stamped(answer.frame, fetched_at=answer.facts.fetched_at)
    return _Change(
        state="new", rows=rows, facts=answer.facts, notes=answer.notes, added=rows.height
    )


def _continued(symbol: str, order: Order, facts: Facts, old: pl.DataFrame) -> _Change:
    """The stored history with what is new; or the whole one asked for again, if it is another."""
    since = min(order.since or facts.since, facts.since)
    if since == facts.since:
        recent = old["session"][-min(N_OVERLAP, old.height)]
        answer = _answer(symbol, order, since=recent)
        if not _is_other(old, facts, answer):
            return _grown(old, facts, answer, since=since)
    answer = _answer(symbol, order, since=since)
    _check_length(old, answer.frame)
    if not _is_other(old, facts, answer):
        return _grown(old, facts, answer, since=since)
    return _revised(symbol, old, answer)


def _grown(old: pl.DataFrame, facts: Facts, answer: _Answer, *, since: date) -> _Change:
    rows = grown(old, answer.frame, fetched_at=answer.facts.fetched_at)
    added = rows.height - old.height
    return _Change(
        state="grown" if added else "unchanged",
        rows=rows,
        facts=facts.model_copy(update={"since": since}),
        notes=answer.notes,
        added=added,
    )


def _revised(symbol: str, old: pl.DataFrame, answer: _Answer) -> _Change:
    rows = stamped(answer.frame, fetched_at=answer.facts.fetched_at)
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


def _is_other(old: pl.DataFrame, facts: Facts, answer: _Answer) -> bool:
    """Whether an answer says otherwise than what is stored, or is in another currency or basis."""
    kinds = [(one.currency, one.is_adjusted, one.provider) for one in (facts, answer.facts)]
    asked = answer.facts.since
    return kinds[0] != kinds[1] or bool(len(revised_sessions(old, answer.frame, asked=asked)))


def _answer(symbol: str, order: Order, *, since: date) -> _Answer:
    """The finished bars that the provider has from `since` on. Raises: NoHistoryError."""
    asked_at = order.clock.now()
    history = asked_patiently(lambda: order.provider.history(symbol, since=since), order.clock)
    fault = shape_fault(history)
    if fault:
        found = f"{fault} ({history.client or order.provider.name})"
        raise NoHistoryError(found, number=Issue.OTHER_ANSWER)
    is_over = is_finished(
        history.frame, symbol=symbol, calendar=order.config.calendar, now=asked_at
    )
    frame = history.frame.filter(is_over)
    if not frame.height:
        raise NoHistoryError("0 rows", number=Issue.NO_BARS)
    running = history.frame.filter(~is_over)["session"]
    notes = (_unfinished(symbol, order, running[0]),) if len(running) else ()
    facts = Facts(
        fetched_at=order.clock.now(),
        since=since,
        provider=order.provider.name,
        client=history.client,
        currency=history.currency,
        zone=history.zone,
        is_adjusted=history.is_adjusted,
    )
    return _Answer(frame=frame, facts=facts, notes=notes)


def _unfinished(symbol: str, order: Order, session: date) -> Finding:
    """Rule 50: a running bar is left out of the store; the next fetch finds it finished."""
    return Issue.UNFINISHED_BAR.finding(
        "a bar whose session is not over",
        rule="a store holds finished bars",
        path=order.provider.name,
        symbol=symbol,
        session=str(session),
    )


def _check_length(old: pl.DataFrame, new: pl.DataFrame) -> None:
    """Raise NoHistoryError if a whole history begins later than the stored one, or ends before."""
    spans = [f"{frame['session'][0]} to {frame['session'][-1]}" for frame in (new, old)]
    if new["session"][0] > old["session"][0] or new["session"][-1] < old["session"][-1]:
        found = f"only {spans[0]}, stored are {spans[1]}"
        raise NoHistoryError(found, number=Issue.OTHER_ANSWER)


def _check(symbol: str, change: _Change, order: Order) -> None:
    """Raise DataError if the rows break a rule that refuses."""
    name = change.facts.provider
    part = history_part(
        change.rows, path=name, symbol=symbol, facts=change.facts, config=order.config
    )
    raise_for_refusals(assemble_bars([part], config=order.config, now=order.clock.now()))
