from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from nextclose.config import TreesConfig
from nextclose.models.trees.boosters import (
    BoostingData,
    BoostingRun,
    best_trees,
    fit_booster,
    is_finished,
    shap_shares,
    with_usual_ways,
)
from nextclose.models.trees.forests import Forest

SMALL = TreesConfig(rounds=20, patience_rounds=20, max_leaves=6, min_child_weight=5.0)


def rising_data(*, seed: int, n: int = 400, sign: float = 1.0) -> BoostingData:
    """Positive labels of mean 1 that rise or fall with x0, beside three columns of noise."""
    noise = np.random.default_rng(seed)
    x = noise.standard_normal((n, 4)).astype(np.float32)
    label = np.exp(sign * 0.5 * x[:, 0] - 0.125) * noise.gamma(4.0, 0.25, n)
    return BoostingData(inputs=x, label=label, base_margin=np.zeros(n))


TRAIN, VALID = rising_data(seed=1), rising_data(seed=2)


# --- when to stop ---


@pytest.mark.parametrize(
    ("n_better", "n_stale", "finished"),
    [
        (0, 0, False),
        (0, 25, False),
        (0, 30, False),  # out of patience, but patience is asked at 25, 50, 75 ...
        (0, 50, True),
        (19, 31, True),  # the best score 31 rounds ago, at round 50
        (20, 30, True),
        (21, 29, False),
        (25, 74, False),
        (25, 75, True),
        (0, 120, True),  # all the rounds there are
        (120, 0, True),
    ],
)
def test_training_stops_by_its_scores_alone(n_better, n_stale, finished):
    settings = TreesConfig(rounds=120, patience_rounds=30)
    best = 10.0 - n_better
    scores = [*np.arange(10.0, best - 0.5, -1.0), *[best] * n_stale]  # equal is not better
    assert len(scores) == 1 + n_better + n_stale
    assert is_finished(settings, scores) is finished


def test_out_of_patience_rounds_go_on_to_the_next_check():
    # validation is best at once; with a patience of one round the check at 25 ends it
    falling = rising_data(seed=3, sign=-1.0)
    settings = SMALL.model_copy(update={"rounds": 60, "patience_rounds": 1})
    run = fit_booster(settings, train=TRAIN, valid=falling)
    assert len(run.train_scores) == len(run.valid_scores) == 1 + 25
    assert run.booster.num_boosted_rounds() == 25


def test_all_rounds_are_made_where_patience_lasts():
    run = fit_booster(SMALL, train=TRAIN, valid=VALID)
    assert len(run.valid_scores) == 1 + 20
    assert run.booster.num_boosted_rounds() == 20


def test_the_best_round_is_the_first_of_equals():
    run = BoostingRun(
        booster=cast(Any, None), train_scores=(4.0, 3.0, 2.0), valid_scores=(2.0, 1.0, 1.0)
    )
    assert run.best_round == 1


def test_scores_begin_with_the_deviance_of_no_tree_at_all():
    base_margin = np.full(400, np.log(2.0))
    train, valid = (replace(data, base_margin=base_margin) for data in (TRAIN, VALID))
    run = fit_booster(SMALL, train=train, valid=valid)
    for data, scores in ((train, run.train_scores), (valid, run.valid_scores)):
        ratio = data.label / 2.0
        assert scores[0] == pytest.approx(2 * np.mean(ratio - 1 - np.log(ratio)), rel=1e-5)
        assert min(scores) < 0.7 * scores[0]


def test_what_validation_contradicts_is_cut_back_to_no_tree():
    run = fit_booster(SMALL, train=TRAIN, valid=rising_data(seed=3, sign=-1.0))
    assert run.best_round == 0
    np.testing.assert_array_equal(shap_shares(run, TRAIN.inputs), np.zeros(4))


# --- who made the correction ---


def test_shap_shares_sum_to_one_and_name_the_column_that_matters():
    run = fit_booster(SMALL, train=TRAIN, valid=VALID)
    shares = shap_shares(run, TRAIN.inputs)
    assert shares.sum() == pytest.approx(1.0)
    assert shares[0] > 0.5 > shares[1:].sum()


# --- rows that lack an input ---


def test_a_row_that_lacks_what_none_lacked_goes_with_the_mean_and_others_as_was_learnt():
    noise = np.random.default_rng(4)
    inputs = np.where(noise.random(TRAIN.inputs.shape) < [0, 0.3, 0, 0], np.nan, TRAIN.inputs)
    inputs = inputs.astype(np.float32)
    run = fit_booster(SMALL, train=replace(TRAIN, inputs=inputs), valid=VALID)
    learnt = best_trees(run)
    usual = with_usual_ways(learnt, inputs)
    forest = Forest(arrays=usual, n_features=4)
    rows = np.repeat(VALID.inputs[:50], 2, axis=0)
    for column in (0, 2, 3):
        lacking, mean = rows.copy(), rows.copy()
        lacking[:, column], mean[:, column] = np.nan, inputs[:, column].mean()
        np.testing.assert_array_equal(forest.margins(lacking), forest.margins(mean))
    lacking = rows.copy()
    lacking[:, 1] = np.nan
    plain = Forest(arrays=learnt, n_features=4)
    np.testing.assert_array_equal(forest.margins(lacking), plain.margins(lacking))
    np.testing.assert_array_equal(forest.margins(rows), plain.margins(rows))
