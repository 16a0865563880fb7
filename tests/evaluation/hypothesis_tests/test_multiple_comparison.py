import subprocess
import sys

import numpy as np
import pytest
from arch.bootstrap import MCS, SPA

from nextclose.errors import NotEnoughDataError
from nextclose.evaluation.hypothesis_tests.multiple_comparison import (
    block_origins,
    model_confidence_set,
    superior_ability,
)

REFERENCE = np.random.default_rng(0).standard_normal((1000, 3)) ** 2 + [0.0, 0.0, 0.5]
LOSSES = {"har": REFERENCE[:, 0], "garch": REFERENCE[:, 1], "classic": REFERENCE[:, 2]}
CLASSIC = LOSSES["classic"]
OTHERS = {name: LOSSES[name] for name in ("har", "garch")}


def test_the_reference_losses_keep_two_models_and_beat_the_third():
    best_set = model_confidence_set(LOSSES, horizon_sessions=1)
    assert best_set.included == ("har", "garch")
    assert superior_ability(CLASSIC, OTHERS, horizon_sessions=1).consistent == 0.0


def test_arch_itself_still_gives_the_reference_values():
    mcs = MCS(REFERENCE, size=0.1, block_size=30, reps=1000, seed=0)
    mcs.compute()
    assert (mcs.included, mcs.excluded) == ([0, 1], [2])
    spa = SPA(CLASSIC, REFERENCE[:, :2], block_size=30, reps=1000, seed=0)
    spa.compute()
    assert spa.pvalues.tolist() == [0.0, 0.0, 0.0]


def test_each_model_gets_its_own_p_value_of_arch():
    # 600 origins at h = 30: blocks of 30, not of floor(sqrt(600)) = 24
    theirs = MCS(REFERENCE[:600], size=0.1, block_size=30, reps=1000, seed=0)
    theirs.compute()
    first = {name: loss[:600] for name, loss in LOSSES.items()}
    best_set = model_confidence_set(first, horizon_sessions=30)
    assert list(best_set.p_values) == list(LOSSES)
    for position, name in enumerate(LOSSES):
        assert best_set.p_values[name] == theirs.pvalues.loc[position, "Pvalue"]
    assert min(best_set.p_values.values()) == 0.0
    assert max(best_set.p_values.values()) == 1.0


def test_the_order_of_the_models_changes_nothing():
    turned = dict(reversed(LOSSES.items()))
    there = model_confidence_set(LOSSES, horizon_sessions=7, draws=200)
    back = model_confidence_set(turned, horizon_sessions=7, draws=200)
    assert there.p_values == back.p_values


def test_the_same_seed_gives_the_same_draws_and_another_seed_others():
    p_values = [
        model_confidence_set(LOSSES, horizon_sessions=1, draws=200, seed=seed).p_values["har"]
        for seed in (0, 0, 1)
    ]
    assert p_values[0] == p_values[1] != p_values[2]


@pytest.mark.parametrize(
    ("n", "horizon", "origins"), [(1000, 1, 31), (1000, 30, 31), (899, 30, 30), (500, 7, 22)]
)
def test_a_block_is_never_shorter_than_the_overlap(n, horizon, origins):
    assert block_origins(n, horizon_sessions=horizon) == origins


def test_clearly_worse_models_weigh_in_the_upper_p_value_alone():
    rng = np.random.default_rng(5)
    benchmark, fair, *poor = rng.standard_normal((6, 400))
    alone = superior_ability(benchmark, {"fair": fair}, horizon_sessions=1, draws=500)
    worse = {name: loss + 1.0 for name, loss in zip("abcd", poor, strict=True)}
    beside = superior_ability(benchmark, {"fair": fair, **worse}, horizon_sessions=1, draws=500)
    assert 0.05 < alone.lower == beside.lower <= beside.consistent < beside.upper < 1.0
    assert beside.consistent == alone.consistent


def test_an_erratic_poor_model_does_not_hide_a_good_one():
    rng = np.random.default_rng(2)
    benchmark = rng.standard_normal(400)
    good = benchmark - 0.15 + 0.5 * rng.standard_normal(400)  # six standard errors better
    erratic = benchmark + 0.3 + 15.0 * rng.standard_normal(400)
    models = {"good": good, "erratic": erratic}
    spa = superior_ability(benchmark, models, horizon_sessions=1, draws=200)
    assert spa.consistent < 0.01
    raw = SPA(benchmark, np.column_stack([good, erratic]), block_size=20, reps=200, seed=0)
    raw.compute()
    assert raw.pvalues["consistent"] > 0.3  # without our scaling it would be hidden


def test_superior_ability_rejects_equal_models_near_its_nominal_rate():
    """150 null worlds: 10 % +- 3 standard errors of 2.5 pp."""
    rng = np.random.default_rng(3)
    rejected = 0
    for losses in rng.standard_normal((150, 3, 200)):
        models = {"a": losses[1], "b": 5.0 * losses[2]}
        spa = superior_ability(losses[0], models, horizon_sessions=1, draws=100)
        rejected += spa.consistent < 0.1
    assert 0.025 <= rejected / 150 <= 0.175


@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_models_that_never_differ_are_named_and_refused(shift):
    twins = {**LOSSES, "twin": LOSSES["har"] + shift}
    with pytest.raises(NotEnoughDataError, match="har and twin"):
        model_confidence_set(twins, horizon_sessions=1)
    with pytest.raises(NotEnoughDataError, match="twin and the benchmark"):
        superior_ability(LOSSES["har"], {"twin": twins["twin"]}, horizon_sessions=1)


def test_losses_that_differ_by_rounding_alone_are_refused():
    rounded = LOSSES["har"] * 3.0 / 3.0 + 1e-16
    with pytest.raises(NotEnoughDataError, match="har and rounded"):
        model_confidence_set({"har": LOSSES["har"], "rounded": rounded}, horizon_sessions=1)


@pytest.mark.parametrize(("horizon", "needed"), [(1, 100), (7, 100), (30, 300)])
def test_ten_blocks_of_origins_are_enough_and_one_origin_less_is_not(horizon, needed):
    enough = {name: loss[:needed] for name, loss in LOSSES.items()}
    assert model_confidence_set(enough, horizon_sessions=horizon, draws=50).included
    short = {name: loss[: needed - 1] for name, loss in LOSSES.items()}
    with pytest.raises(NotEnoughDataError) as raised:
        model_confidence_set(short, horizon_sessions=horizon)
    assert (raised.value.needed, raised.value.found) == (needed, needed - 1)
    with pytest.raises(NotEnoughDataError):
        superior_ability(short["classic"], {"har": short["har"]}, horizon_sessions=horizon)


def test_one_model_is_no_contest():
    with pytest.raises(NotEnoughDataError, match="1 models"):
        model_confidence_set({"har": LOSSES["har"]}, horizon_sessions=1)
    with pytest.raises(NotEnoughDataError, match="No model"):
        superior_ability(CLASSIC, {}, horizon_sessions=1)


def test_nan_losses_are_refused():
    holed = {**LOSSES, "har": np.where(np.arange(1000) == 7, np.nan, LOSSES["har"])}
    with pytest.raises(ValueError, match="NaN"):
        model_confidence_set(holed, horizon_sessions=1)
    with pytest.raises(ValueError, match="NaN"):
        superior_ability(holed["har"], OTHERS, horizon_sessions=1)


def test_importing_the_module_does_not_load_arch():
    module = "nextclose.evaluation.hypothesis_tests.multiple_comparison"
    code = f"import sys, {module}; print('arch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
