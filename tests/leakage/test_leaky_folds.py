"""What a fold learns by hand: the leak is named, the honest way is not, and it can move."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nextclose.backtesting import study as studies
from nextclose.backtesting import walk_forward
from nextclose.backtesting.study import Study
from nextclose.samples import splits
from nextclose.samples.samples import Samples
from nextclose.samples.splits import walk_forward as folds_of
from tests.frames import collect_bars
from tests.leakage.artefacts import Pipeline, moved
from tests.leakage.leaky_folds import STAGES, OwnStage
from tests.leakage.test_purges import named
from tests.leakage.worlds import clean_panel, day, perturbed


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_that_learns_from_what_is_tested_is_found_and_its_honest_twin_is_not(name):
    leaky, honest = (OwnStage(learn=learn) for learn in STAGES[name])
    assert named(leaky, 400, wanted=("fit mine",)) == {"fit mine"}
    assert named(honest, 400) == set()
    base = clean_panel()
    other = perturbed(base, day(300), "wild walk")
    assert moved(honest.artefacts(base), honest.artefacts(other)) == {"fit mine"}  # it can move


# --- M70: borders ---


def counted_from_the_end(patch: pytest.MonkeyPatch) -> None:
    """M70: so that the last block is a full one, blocks are counted back from the newest bar."""

    def leaky(samples: Samples, **plan: Any) -> Any:
        sessions = splits.sessions_of(samples)
        tested = sessions[sessions >= plan["test_from"]]
        skipped = len(tested) % plan["refit_sessions"]
        return folds_of(samples, **{**plan, "test_from": tested[skipped]})

    patch.setattr(studies, "walk_forward", leaky)


def test_fold_borders_that_move_when_the_file_grows_are_found(monkeypatch):
    pipeline = Pipeline(models=("naive",))
    assert named(pipeline, 405) == set()
    counted_from_the_end(monkeypatch)
    assert "fold dates" in named(pipeline, 405, wanted=("fold dates",))


# --- M64 and M65: caches ---


def remembered(patch: pytest.MonkeyPatch, *, by_fold: bool) -> None:
    """Fits are remembered, and the newest fold is fitted first, as a warm cache has it."""
    kept: list[tuple[Study, dict[Any, Any]]] = []  # a cache for each study
    honest = walk_forward.fit

    def remembering(study: Study, task: walk_forward.FitTask) -> Any:
        if not kept or kept[-1][0] is not study:
            kept.append((study, {}))
        cache = kept[-1][1]
        for fold in reversed(range(len(study.folds))):
            key = (task.model, study.folds[fold].fitted_at if by_fold else "")
            if key not in cache:
                cache[key] = honest(study, replace(task, fold=fold))
        return cache[task.model, study.folds[task.fold].fitted_at if by_fold else ""]

    patch.setattr(walk_forward, "fit", remembering)


def test_a_cache_whose_key_lacks_the_cut_off_is_found_and_one_that_has_it_is_not(monkeypatch):
    pipeline, wanted = Pipeline(models=("har",)), ("fit har scale.weights",)
    with monkeypatch.context() as patch:
        remembered(patch, by_fold=True)
        assert named(pipeline, 400) == set()
    remembered(monkeypatch, by_fold=False)
    assert {*wanted} <= named(pipeline, 400, wanted=wanted)


def test_a_cache_by_file_name_is_found_for_no_future_moves_what_it_gives():
    """M65: byte equality alone would praise it; what nothing can move proves nothing."""
    kept: dict[str, Any] = {}
    by_name = Pipeline(
        models=("har",), load=lambda frame: kept.setdefault("prices.csv", collect_bars(frame))
    )
    base, inert = clean_panel(), {}
    for name, pipeline in (("honest", Pipeline(models=("har",))), ("M65", by_name)):
        made = pipeline.artefacts(base)
        changed = moved(made, pipeline.artefacts(perturbed(base, day(350), "wild walk")))
        inert[name] = {part for part in made if part.startswith("forecast har")} - changed
    assert inert["honest"] == set()
    assert inert["M65"] == {f"forecast har {horizon}" for horizon in (1, 7, 30)}
    # and a shorter file is forecast beyond its own last bar
    cut = by_name.artefacts(perturbed(base, day(450), "cut"))
    assert cut["forecast har 1"].known_at.max() > np.datetime64(day(450))
