"""[shell] From bars to windows to train on: the tutorial's step 3, purged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from nextclose.arguments import named_arguments, refuse_other
from nextclose.backtesting.study import first_tested
from nextclose.config import RunConfig
from nextclose.data.catalogue import Issue
from nextclose.data.finding_counts import finding_counts, policies_in_force
from nextclose.data.segments import segment_lengths, with_short_symbols
from nextclose.errors import ConfigError, NotEnoughDataError
from nextclose.features.table import lookback_sessions, make_table
from nextclose.formatting import count, quantity
from nextclose.libraries import require
from nextclose.samples.parts import TRAIN, Parts, fold_parts, unresolved
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.splits import Fold, each_fold, holdout
from nextclose.samples.window_facts import (
    FoldFacts,
    Form,
    Split,
    SymbolCounts,
    WindowFacts,
    fold_facts,
    symbol_counts,
)
from nextclose.samples.window_scaler import (
    CLASSIC,
    WindowScaler,
    min_max_scaler,
    standard_scaler,
)
from nextclose.samples.window_sets import SymbolWindows, symbol_windows
from nextclose.schema import Bars, Finding, Ints, Table
from nextclose.serving.versions import versions
from nextclose.studies import bars_of_caller, chosen_settings
from nextclose.windowsets import Windows

FORMS, SPLITS = get_args(Form), get_args(Split)
WINDOW_SESSIONS = 60  # the tutorial's, and what its network reads


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelWindows:
    """What the windows of one symbol after the other are made of."""

    samples: Samples
    parts: tuple[Parts, ...]  # (fold)(row, horizon)
    scalers: tuple[WindowScaler, ...]  # (fold) of all symbols; none in classic form
    folds: tuple[FoldFacts, ...]
    form: Form
    sessions: int

    def span(self, symbol: str) -> slice:
        """The rows of a symbol."""
        table = self.samples.table
        code = table.symbols.index(symbol)
        return slice(*np.searchsorted(table.symbol, [code, code + 1]).tolist())

    def windows(self, symbol: str) -> SymbolWindows:
        """The windows of a symbol, gathered, and their scalers."""
        own = self.span(symbol)
        part = np.stack([parts[own] for parts in self.parts])  # (fold, row, horizon)
        kept = np.flatnonzero(part.any(axis=(0, 2)))
        rows, part = own.start + kept, part[:, kept]
        return symbol_windows(
            self.samples,
            part,
            rows,
            form=self.form,
            sessions=self.sessions,
            scalers=dict(self._scalers(part, rows)),
        )

    def counts(self) -> Iterator[tuple[str, SymbolCounts]]:
        """How many windows are where, of each symbol that has one to train on, sorted."""
        is_open = unresolved(self.samples, family=self.form, sessions=self.sessions)
        for symbol in sorted(self.samples.table.symbols):
            own = self.span(symbol)
            parts = [parts[own] for parts in self.parts]
            if any((each == TRAIN).any() for each in parts):
                yield symbol, symbol_counts(parts, is_open[own])

    def _scalers(self, part: Parts, rows: Ints) -> Iterator[tuple[tuple[int, int], WindowScaler]]:
        for fold, of_fold in enumerate(part):
            for k in range(len(self.samples.horizons)):
                train = rows[of_fold[:, k] == TRAIN]
                if self.form != CLASSIC:
                    yield (fold, k), self.scalers[fold]
                elif len(train):
                    yield (fold, k), min_max_scaler(self.samples, train, sessions=self.sessions)


@named_arguments(RunConfig)
def make_windows(
    bars: Bars | Any,
    *,
    form: Form = "stationary",
    split: Split = "holdout",
    horizons: int | Sequence[int] | None = None,
    window_sessions: int = WINDOW_SESSIONS,
    config: RunConfig | None = None,
) -> Windows:
    """Windows of all symbols of `bars`, or of a data frame of them, in parts to train and judge.

    `form`: "stationary", our 41 columns and a log return in units of the symbol's volatility; or
    "classic", the tutorial's 41 and the close to come. `split`: "holdout", 70/15/15 of the origins
    in order; or "walk-forward", the folds of a backtest with these settings. Whichever it is, no
    target of a part resolves after the next part begins. `horizons` stand for those of `config`.
    Nothing is gathered before a symbol is asked for.
    Raises: ConfigError, DataError or NotEnoughDataError, each with its cure.
    """
    bars = bars_of_caller(bars, config)
    refuse_other(window_sessions, int, argument="window_sessions", fix="give whole sessions, as 60")
    _refuse_other_word("form", form, FORMS)
    _refuse_other_word("split", split, SPLITS)
    if form == "classic":
        require("talib", needed_by="the form classic")
    if window_sessions < 1:
        raise ConfigError(f"window_sessions is {window_sessions}. Fix: give 1 or more, as 60.")
    settings, _ = chosen_settings(config, models=("naive",), horizons=horizons)
    plan = settings.backtest
    needed = lookback_sessions(form) + window_sessions + min(plan.horizons)
    _refuse_short(bars, needed, form=form, sessions=window_sessions)
    known = with_short_symbols(bars, needed=needed)
    table = make_table(known, families=(form,))
    _refuse_without_columns(table, form=form)
    samples = make_samples(table, horizons=plan.horizons)
    panel = _panel(samples, settings, form=form, split=split, sessions=window_sessions)
    counts = dict(panel.counts())
    _refuse_untaught(counts, plan.horizons)
    findings = (*known.findings, *_young(known, panel, counts))
    facts = WindowFacts(
        form=form,
        split=split,
        window_sessions=window_sessions,
        horizons=samples.horizons,
        columns=samples.table.names,
        left_out=dict(samples.table.left_out),
        folds=panel.folds,
        symbols=counts,
        basis=known.basis,
        data_fingerprint=known.fingerprint,
        findings=finding_counts(findings),
        policies=policies_in_force(settings.data),
        settings={"refit_sessions": plan.refit_sessions, "test_sessions": plan.test_sessions}
        if split != "holdout"
        else {},
        versions=versions(),
    )
    return Windows(facts=facts, read=panel.windows, findings=findings)


def _panel(
    samples: Samples, settings: RunConfig, *, form: Form, split: Split, sessions: int
) -> PanelWindows:
    """The parts of every window, fold by fold: a fold holds all targets, and is let go."""
    parts, scalers, folds = [], [], []
    for fold in _folds(samples, settings, form=form, split=split, sessions=sessions):
        parts.append(fold_parts(samples, fold, family=form, sessions=sessions))
        folds.append(fold_facts(fold, tested_until=samples.origin[fold.test_rows].max()))
        if form != CLASSIC:
            scalers.append(standard_scaler(fold.train))
    return PanelWindows(
        samples=samples,
        parts=tuple(parts),
        scalers=tuple(scalers),
        folds=tuple(folds),
        form=form,
        sessions=sessions,
    )


def _folds(
    samples: Samples, settings: RunConfig, *, form: Form, split: Split, sessions: int
) -> Iterator[Fold]:
    if split == "holdout":
        yield holdout(samples, family=form, context_sessions=sessions)
        return
    origins = np.unique(samples.origin[samples.ready(form, context_sessions=sessions)])
    yield from each_fold(
        samples,
        test_from=first_tested(samples, settings, origins),
        refit_sessions=settings.backtest.refit_sessions,
    )


def _young(bars: Bars, panel: PanelWindows, counts: Mapping[str, SymbolCounts]) -> list[Finding]:
    """A warning for each symbol that has full windows, but none to train on."""
    full = panel.samples.ready(panel.form, context_sessions=panel.sessions)
    said = {finding.symbol for finding in bars.findings if finding.number == Issue.SHORT_HISTORY}
    return [
        Issue.SHORT_HISTORY.finding(
            f"{quantity(int(full[panel.span(symbol)].sum()), 'window')}, none of which is known by "
            f"{panel.folds[-1].valid_from}, where training ends",
            symbol=symbol,
        )
        for symbol in sorted({*panel.samples.table.symbols} - {*counts} - said)
    ]


def _refuse_without_columns(table: Table, *, form: Form) -> None:
    """Raise ConfigError for bars that leave no column of the form: the tutorial's need them all."""
    if form not in table.families:
        reason = next(iter(table.left_out.values()))
        raise ConfigError(
            f"no column can be built of {reason}. Fix: give prices with open, high, low, close and "
            "volume, or choose the form stationary, for which closes are enough."
        )


def _refuse_short(bars: Bars, needed: int, *, form: Form, sessions: int) -> None:
    """Raise NotEnoughDataError if no symbol has a single window with a target."""
    most = int(segment_lengths(bars)["len"].max() or 0)  # type: ignore[arg-type]
    if most < needed:
        warmup = lookback_sessions(CLASSIC)
        other = "" if form == CLASSIC else f", or the form classic, which warms up in {warmup}"
        raise NotEnoughDataError(
            f"the longest history in one piece has {quantity(most, 'session')}; a window of "
            f"{sessions} behind the warm-up, and its target, take {count(needed)}. Fix: give a "
            f"longer history, a shorter window{other}.",
            needed=needed,
            found=most,
        )


def _refuse_untaught(counts: Mapping[str, SymbolCounts], horizons: Sequence[int]) -> None:
    """Raise NotEnoughDataError for a horizon at which no symbol has a window to train on."""
    for k, horizon in enumerate(horizons):
        if not any(fold[k] for each in counts.values() for fold in each.train):
            raise NotEnoughDataError(
                f"no symbol has a window to train on whose close {horizon} sessions on is known "
                "before validation begins. Fix: give a longer history, or leave that horizon out.",
                needed=1,
                found=0,
            )


def _refuse_other_word(name: str, value: object, words: Sequence[str]) -> None:
    if value not in words:
        raise ConfigError(f"{name} is {value!r:.60}. Fix: give {' or '.join(map(repr, words))}.")
