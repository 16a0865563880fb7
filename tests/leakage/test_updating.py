"""A record that is moved on: what it says of a session reads no bar after that session."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
import pytest

from nextclose.models.hybrid.hybrid import FittedHybrid
from nextclose.models.hybrid.record import Record
from nextclose.schema import Bars
from nextclose.serving.bundle import Bundle
from nextclose.serving.golden import samples_for
from nextclose.serving.predictor import load_bundle
from nextclose.serving.updating import updated
from nextclose.training import train
from tests.frames import collect_bars
from tests.leakage.artefacts import FOLDS, Artefact, Pipeline, labels, leaks, names_of
from tests.leakage.mutants import resolved_a_session_early
from tests.leakage.thresholds import lower_thresholds
from tests.leakage.worlds import PRICE_WORLDS, SCOPES, clean_panel, day, perturbed

CUTS = [day(row) for row in (FOLDS[0], FOLDS[0] + 1, FOLDS[1] - 1, FOLDS[2] + 15)]


@dataclass(frozen=True, kw_only=True)
class World:
    """A bundle fitted at the first border, the prices behind it, and what came of them."""

    bundle: Bundle
    base: pl.DataFrame
    made: dict[str, Artefact]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        lower_thresholds(patch)
        base, folder = clean_panel(), tmp_path_factory.mktemp("bundles") / "mine"
        known = base.filter(pl.col("date") <= day(FOLDS[0]))
        config = Pipeline(models=("hybrid",)).config
        train(collect_bars(known), folder, config=config)
        bundle = load_bundle(folder)
        yield World(bundle=bundle, base=base, made=artefacts(bundle, collect_bars(base)))


def artefacts(bundle: Bundle, bars: Bars) -> dict[str, Artefact]:
    """How wide each forecast since the fit was, as an update over all these bars counts them.

    And the ranges that wait for their outcome afterwards.
    """
    fitted, samples = bundle.fitted, samples_for(bars, bundle.manifest)
    assert isinstance(fitted, FittedHybrid)
    is_ready = samples.ready(fitted.family, context_sessions=fitted.context_sessions)
    newest = np.array([bundle.recorded[name] for name in names_of(samples.table)])
    rows = np.flatnonzero(is_ready & (samples.origin > newest.astype("datetime64[D]")))
    widths, _ = fitted.record.moved(samples, rows, fitted.raw(samples, rows))
    origin = samples.origin[rows]
    label = labels(names_of(samples.table)[rows], origin)
    moved = updated(bundle, bars).fitted
    assert isinstance(moved, FittedHybrid)
    waiting = moved.record
    waits = np.array(waiting.symbols)[waiting.waiting_symbol]
    days = waiting.waiting_origin.astype("datetime64[D]")
    name = np.char.add(labels(waits, days), waiting.waiting_horizon.astype("U2"))
    return {
        "width": Artefact(known_at=origin, label=label, value=widths),
        "range": Artefact(known_at=days, label=name, value=waiting.ranges),
    }


def common(one: Artefact, two: Artefact) -> tuple[Artefact, Artefact]:
    """The rows that both have: how long a forecast waits depends on what came."""
    both = np.intersect1d(one.label, two.label)
    kept = [np.isin(artefact.label, both) for artefact in (one, two)]
    first, second = (
        Artefact(known_at=a.known_at[k], label=a.label[k], value=a.value[k])
        for a, k in zip((one, two), kept, strict=True)
    )
    return first, second


def found_leaks(world: World, cut: date, name: str, scope: str) -> tuple[list[str], int]:
    """What differs though it was known by `cut`, and how many ranges of then could be compared."""
    bars = collect_bars(perturbed(world.base, cut, name, scope))
    other = artefacts(world.bundle, bars)
    made, ranges = dict(world.made), {}
    made["range"], ranges["range"] = common(world.made["range"], other["range"])
    n_known = int((made["range"].known_at <= np.datetime64(cut)).sum())
    return leaks(made, {**other, **ranges}, at=cut), n_known


def test_no_later_bar_changes_what_an_update_says_of_the_sessions_before_it(world):
    n_compared = 0
    for cut in CUTS:
        for number, name in enumerate(PRICE_WORLDS):
            scope = list(SCOPES)[number % len(SCOPES)]
            leaked, n_known = found_leaks(world, cut, name, scope)
            assert leaked == [], f"after {cut}: {name}, {scope}"
            n_compared += n_known
    assert n_compared > 100
    assert len(np.unique(world.made["width"].value)) > 50  # misses do move ranges


def test_the_bar_of_tomorrow_changes_what_is_counted_tomorrow_alone(world):
    tomorrow = day(FOLDS[1] + 1)
    is_it = pl.col("date") == tomorrow
    for factor in (1.5, 1 / 1.5):
        prices = [pl.col(name) * factor for name in ("open", "high", "low", "close")]
        later = world.base.filter(pl.col("date") <= tomorrow)
        poisoned = later.with_columns(
            pl.when(is_it)
            .then(price)
            .otherwise(pl.col(price.meta.output_name()))
            .alias(price.meta.output_name())
            for price in prices
        )
        sound, other = (artefacts(world.bundle, collect_bars(frame)) for frame in (later, poisoned))
        assert leaks(sound, other, at=day(FOLDS[1])) == []
        assert leaks(sound, other, at=tomorrow) != []


def test_an_outcome_that_is_counted_a_session_early_is_found(world, monkeypatch):
    counted = Record.moved

    def leaky(self, samples, rows, raw):
        return counted(self, resolved_a_session_early(samples), rows, raw)

    with monkeypatch.context() as patch:
        patch.setattr(Record, "moved", leaky)
        mutant = World(
            bundle=world.bundle,
            base=world.base,
            made=artefacts(world.bundle, collect_bars(world.base)),
        )
        lines = {
            line.split(",")[0]
            for cut in CUTS[1:]
            for line in found_leaks(mutant, cut, "wild walk", "all symbols")[0]
        }
    assert lines == {"width"}
