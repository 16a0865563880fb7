"""Windows for others to train on: another future leaves train, scalers and inputs as they were."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from itertools import product
from typing import Any

import numpy as np
import polars as pl
import pytest

from nextclose import windowing
from nextclose.config import BacktestConfig, RunConfig
from nextclose.samples import window_sets
from nextclose.samples.samples import Samples
from nextclose.samples.window_facts import Form, Split
from nextclose.samples.window_scaler import min_max_scaler, standard_scaler
from nextclose.samples.window_sets import SplitWindows
from nextclose.samples.windows import windows as honest_windows
from nextclose.windowing import make_windows
from nextclose.windowsets import Windows
from tests.frames import collect_bars
from tests.leakage.artefacts import INNER, Artefact, digest, inner_leaks, labels, leaks, moved
from tests.leakage.open_targets import train_unpurged, valid_unpurged, whole
from tests.leakage.test_date_codes import code_frame
from tests.leakage.worlds import clean_panel, day, lacking_panel, perturbed, ragged_panel

TELLING = ("x1e6", "wild walk", "reversed")  # they keep every session in place
BASES = {"clean": clean_panel, "ragged": ragged_panel, "lacking": lacking_panel}
SHAPES: list[tuple[Form, Split]] = [
    *product(("stationary", "classic"), ("holdout", "walk-forward"))  # type: ignore[list-item]
]
PLAN = RunConfig(
    backtest=BacktestConfig(test_from=day(430), refit_sessions=30, horizons=(1, 7, 30))
)


def made(frame: pl.DataFrame, form: Form, split: Split) -> Windows:
    return make_windows(collect_bars(frame), form=form, split=split, config=PLAN)


def each_part(windows: Windows) -> Iterator[tuple[int, str, SplitWindows]]:
    """Fold, what the rest is called, and the parts, where there is something to train on."""
    for symbol in windows.symbols:
        counts = windows.facts.symbols[symbol]
        for fold, k in product(range(len(windows.facts.folds)), range(len(windows.facts.horizons))):
            if counts.train[fold][k]:
                horizon = windows.facts.horizons[k]
                label = f"{symbol} {horizon} fold {fold}"
                yield fold, label, windows.of(symbol, horizon=horizon, fold=fold)


def artefacts(windows: Windows) -> dict[str, Artefact]:
    """Every array, with the date from which it may be known."""
    found: dict[str, Artefact] = {}
    for symbol in windows.symbols:
        own = windows.read(symbol)
        label = labels(np.repeat(symbol, len(own.origin)), own.origin)
        found[f"x {symbol}"] = Artefact(known_at=own.origin, label=label, value=own.x)
        for k, horizon in enumerate(windows.facts.horizons):
            resolved, y = own.resolved[:, k], np.ascontiguousarray(own.y[:, k])
            found[f"y {symbol} {horizon}"] = Artefact(known_at=resolved, label=label, value=y)
    for fold, name, parts in each_part(windows):
        borders = windows.facts.folds[fold]
        scaler = parts.scaler
        scales = [scaler.center, scaler.width, scaler.target_center, scaler.target_width]
        found[f"{INNER}scaler {name}"] = at(borders.valid_from, scales)
        found[f"{INNER}train {name}"] = at(borders.valid_from, arrays(parts.train))
        found[f"valid {name}"] = at(borders.fitted_at, arrays(parts.valid))
        test = parts.test
        rows = labels(np.repeat(test.symbol, len(test)), test.origin)
        # that it can be judged shows when it has resolved; what it reads is in x
        found[f"test {name}"] = Artefact(known_at=test.resolved, label=rows, value=test.x)
    return found


def arrays(part: Any) -> list[Any]:
    return [part.x, part.y, part.origin, part.resolved, part.close, part.scale]


def at(border: str, value: list[Any]) -> Artefact:
    return Artefact(
        known_at=np.array([border], dtype="datetime64[D]"),
        label=np.array(["all"], dtype="U40"),
        value=np.array([digest(value)], dtype="U64"),
    )


def borders(windows: Windows) -> list[tuple[date, Callable[..., list[str]]]]:
    """A date amid the training part and each border, and who compares what is known from it on."""
    return [
        (day(350), leaks),
        *(
            (date.fromisoformat(text), find)
            for fold in windows.facts.folds
            for text, find in (
                (fold.valid_from, inner_leaks),
                (fold.fitted_at, leaks),
            )
        ),
    ]


def found_leaks(base: pl.DataFrame, form: Form, split: Split) -> tuple[set[str], set[str]]:
    """What differs though it was known, and what some future moved. First words of their names."""
    windows = made(base, form, split)
    before, named, changed = artefacts(windows), set(), set()
    for (cut, find), world in product(borders(windows), TELLING):
        other = made(perturbed(base, cut, world), form, split)
        assert other.facts.folds == windows.facts.folds
        after = artefacts(other)
        named |= {line.removeprefix(INNER).split(" ")[0] for line in find(before, after, at=cut)}
        changed |= {name.removeprefix(INNER).split(" ")[0] for name in moved(before, after)}
    return named, changed


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(("form", "split"), SHAPES)
def test_another_future_leaves_windows_parts_and_scalers_as_they_were(base, form, split):
    named, changed = found_leaks(BASES[base](), form, split)
    assert named == set()
    assert changed == {"x", "y", "scaler", "train", "valid", "test"}  # all of them can move


def scaler_of_all_rows(patch: pytest.MonkeyPatch) -> None:
    """MinMax and standard deviations over the whole series, as the tutorial has them."""

    def of_all(samples: Samples, rows: Any, *, sessions: int) -> Any:
        own = samples.table.symbol == samples.table.symbol[rows[0]]
        full = samples.ready("classic", context_sessions=sessions)
        return min_max_scaler(samples, np.flatnonzero(own & full), sessions=sessions)

    patch.setattr(windowing, "min_max_scaler", of_all)
    patch.setattr(windowing, "standard_scaler", lambda train: standard_scaler(whole(train)))


def window_of_tomorrow(patch: pytest.MonkeyPatch) -> None:
    """The tutorial's flaw: the window's last row is the one that is to be forecast."""

    def late(columns: Any, rows: Any, *, sessions: int) -> Any:
        return honest_windows(columns, np.minimum(rows + 1, len(columns) - 1), sessions=sessions)

    patch.setattr(window_sets, "windows", late)


@pytest.mark.parametrize("form", ["stationary", "classic"])
@pytest.mark.parametrize(
    ("leak", "wanted"),
    [
        (scaler_of_all_rows, {"scaler", "train"}),
        (window_of_tomorrow, {"x"}),
        (train_unpurged, {"train"}),
        (valid_unpurged, {"valid"}),
    ],
)
def test_a_leak_put_in_on_purpose_is_found_and_named(form, leak, wanted, monkeypatch):
    leak(monkeypatch)
    named, _ = found_leaks(clean_panel(), form, "walk-forward")
    assert wanted <= named


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(("form", "split"), SHAPES)
def test_no_target_of_a_part_resolves_after_the_next_part_begins(base, form, split):
    windows = made(BASES[base](), form, split)
    n_parts = 0
    for fold, _, parts in each_part(windows):
        facts = windows.facts.folds[fold]
        valid_from, fitted_at = np.datetime64(facts.valid_from), np.datetime64(facts.fitted_at)
        assert parts.train.resolved.max() <= valid_from
        assert (parts.train.origin < valid_from).all()
        assert (parts.valid.origin >= valid_from).all()
        assert (parts.valid.resolved <= fitted_at).all()
        assert (parts.test.origin >= fitted_at).all()
        assert (parts.test.origin <= np.datetime64(facts.tested_until)).all()
        n_parts += len(parts.valid) > 0
    assert n_parts >= 3


def test_a_window_is_59_sessions_and_the_origin_of_one_symbol_and_its_target_h_on():
    """Closes that say which row they are: 1000 k + 1000 + i of symbol k."""
    windows = make_windows(collect_bars(code_frame()), form="classic")
    close = windows.facts.columns.index("close")
    for symbol, horizon in product(windows.symbols, windows.facts.horizons):
        parts = windows.of(symbol, horizon=horizon, scaled=False)
        for part in (parts.train, parts.valid, parts.test):
            assert len(part) > 10
            last = part.close[:, None]
            np.testing.assert_array_equal(part.x[:, :, close], last + np.arange(-59, 1))
            np.testing.assert_array_equal(part.y, part.close + horizon)
            np.testing.assert_array_equal(part.reached, part.close + horizon)
            assert {*(part.close // 1000)} == {"ABC".index(symbol[0]) + 1}


def test_a_target_one_session_off_would_be_seen():
    windows = make_windows(collect_bars(code_frame()), form="classic")
    own = windows.read("AAA")
    shifted = replace(windows, read=lambda symbol: replace(own, y=own.y + 1))
    part = shifted.of("AAA", horizon=7, scaled=False).train
    assert (part.y != part.close + 7).all()
