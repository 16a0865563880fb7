"""Splits, windows and stacks by hand, on closes that say which row they are: who leaks is named."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nextclose.samples.samples import Samples
from nextclose.samples.windows import windows
from tests.leakage import test_date_codes
from tests.leakage.leaky_splits import (
    LEAKY_SPLITS,
    STACKERS,
    broken_rules,
    by_symbol,
    ours,
    stacker_sees,
)
from tests.leakage.open_targets import (
    calendar_days,
    one_session_late,
    train_unpurged,
    valid_unpurged,
)
from tests.leakage.test_date_codes import code_frame, coded


@pytest.mark.parametrize("name", LEAKY_SPLITS)
def test_a_split_that_lets_the_test_in_is_found_and_named(name):
    samples = coded("stationary")
    split, rules = LEAKY_SPLITS[name]
    assert rules <= broken_rules(samples, split(samples))


def test_our_folds_break_no_rule():
    samples = coded("stationary")
    folds = ours(samples)
    assert len(folds) >= 3
    assert broken_rules(samples, folds) == set()


@pytest.mark.parametrize(
    ("leak", "rule"),
    [
        (calendar_days, "validation resolves after the fit"),
        (one_session_late, "validation resolves after the fit"),
        (valid_unpurged, "validation resolves after the fit"),
        (train_unpurged, "training resolves after the next part begins"),
    ],
)
def test_our_folds_without_their_purge_break_the_rule_that_it_keeps(leak, rule, monkeypatch):
    samples = coded("stationary")
    leak(monkeypatch)
    assert rule in broken_rules(samples, ours(samples))


def with_a_twin() -> pl.DataFrame:
    """The first symbol a second time, under another name."""
    frame = code_frame()
    return pl.concat([frame, frame.filter(symbol="AAA").with_columns(symbol=pl.lit("ZZZ"))])


def test_one_series_under_two_names_on_both_sides_of_a_split_is_found(monkeypatch):
    apart = coded("stationary")
    rule = "a training target is a target of the test"
    assert rule not in broken_rules(apart, by_symbol(apart))  # another series is no twin
    monkeypatch.setattr(test_date_codes, "code_frame", with_a_twin)
    samples = coded("stationary")
    assert rule in broken_rules(samples, by_symbol(samples))
    assert broken_rules(samples, ours(samples)) == set()


@pytest.mark.parametrize("name", STACKERS)
def test_a_stack_that_learns_from_fits_that_knew_the_answer_is_found_and_its_twin_is_not(name):
    leaky, honest = STACKERS[name]
    for fold in ours(coded("stationary")):
        assert stacker_sees(fold, leaky)
        assert not stacker_sees(fold, honest)


# --- M46 ---


def borders_ignored(patch: pytest.MonkeyPatch) -> None:
    """M46: a full window is 60 rows of the stacked panel, whoever they are of."""

    def leaky(self: Samples, family: str, *, context_sessions: int = 1) -> np.ndarray:
        first = self.table.families[family].warmup_sessions + context_sessions - 1
        return (np.arange(len(self.origin)) >= first) & np.isfinite(self.scale)

    patch.setattr(Samples, "ready", leaky)


def crossing_windows(samples: Samples) -> Iterator[int]:
    """Origins whose window holds a close of another symbol."""
    rows = np.flatnonzero(samples.ready("classic", context_sessions=60))
    assert len(rows) > 100
    held = windows(samples.table.values[:, :1], rows, sessions=60)[:, :, 0] // 1000
    yield from rows[(held != held[:, -1:]).any(axis=1)].tolist()


def test_a_window_that_crosses_from_one_symbol_into_the_next_is_found(monkeypatch):
    samples = coded("classic")
    # the scale warms up for longer than a window: every row is asked, as hand-made windows are
    samples = replace(samples, scale=np.ones_like(samples.scale))
    assert not list(crossing_windows(samples))
    borders_ignored(monkeypatch)
    assert len(list(crossing_windows(samples))) == 2 * 59
