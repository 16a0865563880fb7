"""[I/O] Prices downloaded into a store: symbol by symbol, each whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from nextclose.config import DataConfig
from nextclose.data.bars import DEFAULTS
from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.rules.cells import LEGAL_SYMBOL
from nextclose.data.store.providers import NoHistoryError, Provider
from nextclose.data.store.retry import Clock
from nextclose.data.store.update import DownloadSettings, Outcome, update_history
from nextclose.data.store.writer import StoreWriter, open_store
from nextclose.errors import ConfigError, DataError, SourceError
from nextclose.schema import Finding

CLOCK = Clock()


def download(
    symbols: Iterable[str],
    path: Path,
    *,
    provider: Provider,
    since: date | None = None,
    config: DataConfig = DEFAULTS,
    clock: Clock = CLOCK,
) -> Iterator[Outcome]:
    """Each symbol's history, brought up to date in the store at `path`, one after the other.

    A stored symbol is asked for from a few sessions before its end; if these differ from
    what was stored, for its whole history, which is kept beside the old one. `since` is the
    first day of histories; None: as stored, of new symbols 2000-01-01. Only bars whose session is
    over are stored. Once a provider does not answer, it is not asked for the rest.
    Raises: ConfigError for an illegal symbol; LockedError; OutputError; DataError for a damaged
    index. What fails of one symbol stands in its outcome: `check_outcomes` raises it.
    """
    settings = DownloadSettings(provider=provider, since=since, config=config, clock=clock)
    names = _symbol_names(symbols)
    with open_store(path) as store:
        is_silent = False
        for symbol in names:
            outcome = (
                _skip_symbol(symbol, settings)
                if is_silent
                else _download_symbol(symbol, store, settings)
            )
            is_silent = any(finding.number == Issue.NO_ANSWER for finding in outcome.findings)
            yield outcome


def check_outcomes(outcomes: Iterable[Outcome], *, allow_missing: int = 0) -> tuple[Finding, ...]:
    """All findings, if at most `allow_missing` symbols failed, and not every one.

    Raises: SourceError with what refuses.
    """
    outcomes = tuple(outcomes)
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    findings = tuple(finding for outcome in outcomes for finding in outcome.findings)
    if not failed:
        return findings
    missing = _missing_symbols(failed, n_asked=len(outcomes))
    if len(failed) <= allow_missing and len(failed) < len(outcomes):
        warnings = tuple(replace(f, response="W") if f.response == "E" else f for f in findings)
        rule = f"{missing.rule}; data.allow_missing = {allow_missing}"
        return (*warnings, replace(missing, response="W", rule=rule, fix=""))
    refusals = tuple(finding for finding in findings if finding.response == "E")
    raise SourceError((*refusals, missing) if len(outcomes) > 1 else refusals)


def _symbol_names(symbols: Iterable[str]) -> list[str]:
    """The symbols, each once; all in small letters are meant in capitals. Raises: ConfigError."""
    names = list(dict.fromkeys(name.upper() if name.islower() else name for name in symbols))
    for name in names:
        if not re.fullmatch(LEGAL_SYMBOL, name) or ".." in name:
            raise ConfigError(
                f"{safe_text(name)!r} is no symbol. Fix: spell it as AAPL, BRK-B, 7203.T or ^GSPC."
            )
    return names


def _download_symbol(symbol: str, store: StoreWriter, settings: DownloadSettings) -> Outcome:
    """The symbol brought up to date, or why it was not."""
    try:
        return update_history(symbol, store, settings)
    except NoHistoryError as error:
        findings: tuple[Finding, ...] = (_refusal(error, symbol, store, settings),)
    except DataError as error:
        findings = error.findings
    return Outcome(symbol=symbol, state="failed", findings=findings)


def _skip_symbol(symbol: str, settings: DownloadSettings) -> Outcome:
    """A symbol behind one that had no answer."""
    finding = Issue.NO_ANSWER.finding(
        "not asked for, as there was no answer before", path=settings.provider.name, symbol=symbol
    )
    return Outcome(symbol=symbol, state="failed", findings=(finding,))


def _refusal(
    error: NoHistoryError, symbol: str, store: StoreWriter, settings: DownloadSettings
) -> Finding:
    """Rules 71 to 73, with what the store still has."""
    stored = store.newest(symbol)
    cached = f"; stored up to {stored[1]['session'][-1]}" if stored else ""
    return error.number.finding(
        f"{error.found}{cached}", path=settings.provider.name, symbol=symbol
    )


def _missing_symbols(failed: Sequence[Outcome], *, n_asked: int) -> Finding:
    """Rule 74: which symbols failed, and on which rule."""
    names = [f"{outcome.symbol} ({outcome.findings[0].code})" for outcome in failed]
    cure = f", leave them out, or set data.allow_missing = {len(failed)}"
    return Issue.FAILED_SYMBOLS.finding(
        f"{len(failed)} of {n_asked} symbols failed: {', '.join(names)}",
        fix=f"run it again{cure if len(failed) < n_asked else ''}.",
    )
