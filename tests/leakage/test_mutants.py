"""The harness: each known leak in loader or features is found, honest code is not accused."""

from collections.abc import Callable, Iterator
from functools import partial

import polars as pl
import pytest

from nextclose.features.columns import Column, FamilyDefinition
from nextclose.features.table import FAMILIES
from tests.frames import collect_bars
from tests.leakage.artefacts import Pipeline, leaks
from tests.leakage.mutants import HONEST_FEATURES, HONEST_LOADERS, LEAKY_FEATURES, LOADERS
from tests.leakage.worlds import FAULTS, day, every_world, perturbed, ragged_panel

CUTS = [day(row) for row in FAULTS]


def found_leaks(pipeline: Pipeline) -> Iterator[list[str]]:
    """What the harness says of each world."""
    base = ragged_panel()
    made = pipeline.artefacts(base)
    for cut, world, scope in every_world(CUTS, step=2):
        yield leaks(made, pipeline.artefacts(perturbed(base, cut, world, scope)), at=cut)


def loading(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Pipeline:
    return Pipeline(models=(), load=lambda frame: collect_bars(change(frame)))


@pytest.mark.parametrize("name", LOADERS)
def test_a_loader_that_looks_ahead_is_found(name):
    assert any(found_leaks(loading(LOADERS[name])))


@pytest.mark.parametrize("name", HONEST_LOADERS)
def test_a_loader_that_looks_back_is_not_accused(name):
    assert not any(found_leaks(loading(HONEST_LOADERS[name])))


def test_every_feature_that_looks_ahead_is_named_and_no_other():
    columns = {**LEAKY_FEATURES, **HONEST_FEATURES}
    mine = FamilyDefinition(
        cap=float("inf"), columns=tuple(Column(name, 0, values) for name, values in columns.items())
    )
    pipeline = Pipeline(
        models=(), families=("stationary", "mine"), definitions={**FAMILIES, "mine": mine}
    )
    lines = {line.split(",")[0] for found in found_leaks(pipeline) for line in found}
    assert lines == {f"feature {name}" for name in LEAKY_FEATURES}


def test_a_leak_is_reported_with_the_first_row_that_it_touches():
    base, cut = ragged_panel(), day(389)
    leak = LEAKY_FEATURES["M18 next close"]
    mine = FamilyDefinition(cap=float("inf"), columns=(Column("mine", 0, leak),))
    pipeline = partial(Pipeline, models=(), families=("stationary", "mine"))
    made, other = (
        pipeline(definitions={**FAMILIES, "mine": mine}).artefacts(frame)
        for frame in (base, perturbed(base, cut, "x1e6", "one symbol"))
    )
    assert leaks(made, other, at=cut) == [f"feature mine, DDD {cut}"]
