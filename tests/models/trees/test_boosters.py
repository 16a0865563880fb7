import hashlib
from dataclasses import replace

import numpy as np
import pytest
import xgboost

from nextclose.config import TreesConfig
from nextclose.models.trees.boosters import (
    Examples,
    Progress,
    attributions,
    derived_seed,
    is_finished,
    segment,
    trained,
)
from nextclose.models.trees.forests import best_trees

GAMMA = {"objective": "reg:gamma", "eval_metric": "gamma-deviance", "base_score": 1.0}
SMALL = TreesConfig(
    rounds=20, patience_rounds=20, segment_rounds=6, max_leaves=6, min_child_weight=5.0
)


def made_up(*, seed: int, n: int = 400, sign: float = 1.0) -> Examples:
    """Positive aims of mean 1 that rise or fall with x0, beside three columns of noise."""
    noise = np.random.default_rng(seed)
    x = noise.standard_normal((n, 4)).astype(np.float32)
    aim = np.exp(sign * 0.5 * x[:, 0] - 0.125) * noise.gamma(4.0, 0.25, n)
    return Examples(inputs=x, aim=aim, base=np.zeros((n, 1)))


PARTS = (made_up(seed=1), made_up(seed=2))


# --- segments ---


@pytest.mark.parametrize("change", [{"row_share": 0.7, "column_share": 0.7}, {}])
def test_going_on_from_the_bytes_of_any_segment_gives_the_bits_of_a_run_never_stopped(change):
    settings = SMALL.model_copy(update=change)
    whole = trained(settings, GAMMA, PARTS, seed=5)
    assert len(whole.valid_scores) == 21
    booster = xgboost.Booster(model_file=bytearray(whole.content))
    assert booster.num_boosted_rounds() == 20
    done, n_stops = Progress(), 0
    while not is_finished(settings, done.valid_scores):
        matrices = (PARTS[0].matrix(), PARTS[1].matrix())
        done = segment(settings, GAMMA, matrices, done, seed=5)
        trained(settings, GAMMA, PARTS, seed=99)  # what was drawn meanwhile must not matter
        assert trained(settings, GAMMA, PARTS, seed=5, done=done) == whole
        n_stops += 1
    assert n_stops == 4  # 6, 12, 18 and the last 2 rounds
    assert done == whole


@pytest.mark.parametrize(
    ("row_share", "column_share", "n_different"), [(0.7, 1.0, 2), (1.0, 0.7, 2), (1.0, 1.0, 1)]
)
def test_the_seed_draws_rows_and_columns_and_nothing_else(row_share, column_share, n_different):
    drawn = {"row_share": row_share, "column_share": column_share}
    settings = SMALL.model_copy(update=drawn)
    scores = {trained(settings, GAMMA, PARTS, seed=seed).train_scores for seed in (1, 2)}
    assert len(scores) == n_different


def test_every_segment_draws_anew():
    # one column in four for each tree: which ones is the draw
    settings = SMALL.model_copy(update={"column_share": 0.25})
    done = trained(settings, GAMMA, PARTS, seed=5)
    trees = best_trees(replace(done, valid_scores=tuple(np.arange(21.0)[::-1])))
    roots = trees["feature"][trees["offsets"][:-1]]
    assert len(roots) == 20
    segments = {tuple(roots[start : start + 6]) for start in (0, 6, 12)}
    assert len(segments) == 3


def test_seeds_differ_by_purpose_and_fit_in_31_bits():
    seeds = [derived_seed(1, f"segment {n}") for n in range(1000)]
    assert len(set(seeds)) == 1000
    assert 0 <= min(seeds) < 2**30 < max(seeds) < 2**31
    digest = hashlib.sha256(b"1|segment 0").digest()
    assert seeds[0] == int.from_bytes(digest[:4], "big") // 2


# --- when to stop ---


@pytest.mark.parametrize(
    ("scores", "finished"),
    [
        ((), False),
        ((3.0,), False),
        ((3.0, 3.5), False),
        ((3.0, 3.5, 3.2), True),  # two rounds without a better score
        ((3.0, 3.0, 3.0), True),  # an equal score is not better
        ((3.0, 3.5, 2.9, 3.1), False),
        ((5.0, 4.0, 3.0, 2.0, 1.0), True),  # four rounds are all there are
    ],
)
def test_training_stops_by_its_scores_alone(scores, finished):
    settings = TreesConfig(rounds=4, patience_rounds=2)
    assert is_finished(settings, scores) is finished


def test_the_best_round_is_the_first_of_equals():
    progress = Progress(train_scores=(4.0, 3.0, 2.0), valid_scores=(2.0, 1.0, 1.0))
    assert (progress.best_round, progress.n_rounds) == (1, 2)


def test_scores_begin_with_the_deviance_of_no_tree_at_all():
    base = np.full((400, 1), np.log(2.0))
    parts = tuple(Examples(inputs=p.inputs, aim=p.aim, base=base) for p in PARTS)
    progress = trained(SMALL, GAMMA, (parts[0], parts[1]), seed=1)
    for part, scores in zip(parts, (progress.train_scores, progress.valid_scores), strict=True):
        ratio = part.aim / 2.0
        assert scores[0] == pytest.approx(2 * np.mean(ratio - 1 - np.log(ratio)), rel=1e-5)
        assert min(scores) < 0.7 * scores[0]


def test_what_validation_contradicts_is_cut_back_to_no_tree():
    progress = trained(SMALL, GAMMA, (PARTS[0], made_up(seed=3, sign=-1.0)), seed=1)
    assert progress.best_round == 0
    np.testing.assert_array_equal(attributions(progress, PARTS[0].inputs, n_outputs=1), np.zeros(4))


# --- who made the correction ---


def test_attributions_sum_to_one_and_name_the_column_that_matters():
    progress = trained(SMALL, GAMMA, PARTS, seed=1)
    shares = attributions(progress, PARTS[0].inputs, n_outputs=1)
    assert shares.sum() == pytest.approx(1.0)
    assert shares[0] > 0.5 > shares[1:].sum()
