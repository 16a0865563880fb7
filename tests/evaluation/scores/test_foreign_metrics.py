import numpy as np
import pytest

from nextclose.errors import ConfigError
from nextclose.evaluation.scores.foreign_metrics import metric_losses, try_metrics
from nextclose.metrics import interval_score
from nextclose.schema import LEVELS

OUTCOME = np.array([0.01, -0.02, 0.03])
QUANTILES = np.tile(0.02 * (LEVELS - 0.5), (3, 1))


def squared_median(quantiles, outcome):
    return (outcome - quantiles[:, 11]) ** 2


def test_each_metric_has_a_loss_per_forecast_under_its_name():
    metrics = {"mine": squared_median, "score": interval_score}
    found = metric_losses(metrics, QUANTILES, OUTCOME)
    assert list(found) == ["mine", "score"]
    np.testing.assert_allclose(found["mine"], [1e-4, 4e-4, 9e-4])
    np.testing.assert_array_equal(found["score"], interval_score(QUANTILES, OUTCOME))


@pytest.mark.parametrize("name", ["crps", "my metric", "1st", "", "class"])
def test_a_name_that_is_none_or_is_ours_is_refused(name):
    with pytest.raises(ConfigError, match=f"metric '{name}': .* Fix: ") as caught:
        try_metrics({name: squared_median}, taken=("crps", "symbol"))
    assert caught.value.key == "metrics"


def test_what_cannot_be_called_is_no_metric():
    with pytest.raises(ConfigError, match=r"metric 'mine': 3 cannot be called"):
        try_metrics({"mine": 3}, taken=())  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("metric", "fault"),
    [
        (lambda quantiles, outcome: outcome.mean(), r"the shape \(\) for 3 forecasts"),
        (lambda quantiles, outcome: quantiles, r"the shape \(3, 23\) for 3 forecasts"),
        (lambda quantiles, outcome: outcome, r"its loss is -0.02 for 1 of 3 forecasts"),
        (lambda quantiles, outcome: outcome * np.nan, r"its loss is nan for 3 of 3"),
        (lambda quantiles, outcome: np.abs(outcome) * np.inf, r"its loss is inf for 3 of 3"),
        (lambda quantiles, outcome: ["a", "b", "c"], r"it failed with ValueError"),
        (lambda quantiles, outcome: 1 / 0, r"it failed with ZeroDivisionError: division by zero"),
        (lambda outcome: outcome, r"it failed with TypeError"),
    ],
)
def test_a_metric_that_returns_no_losses_is_named_with_what_it_did(metric, fault):
    with pytest.raises(ConfigError, match=f"metric 'mine': .*{fault}.* Fix: "):
        metric_losses({"mine": metric}, QUANTILES, OUTCOME)


def test_a_metric_is_tried_before_any_forecast_is_made():
    def relative(quantiles, outcome):
        return np.abs(quantiles[:, 11] / outcome - 1)

    with (
        np.errstate(all="ignore"),
        pytest.raises(ConfigError, match="metric 'mine': its loss is nan for 1 of 3"),
    ):
        try_metrics({"mine": relative}, taken=())  # a price may well not move
    try_metrics({"mine": squared_median, "score": interval_score}, taken=())


def test_a_loss_that_depends_on_the_forecasts_beside_it_is_refused():
    def share_of_all(quantiles, outcome):
        return outcome**2 / (outcome**2).sum()

    with pytest.raises(ConfigError, match=r"metric 'mine': a forecast costs .* beside others and"):
        try_metrics({"mine": share_of_all}, taken=())


def test_a_metric_cannot_change_what_the_next_one_sees():
    def greedy(quantiles, outcome):
        quantiles[:] = 0.0
        return outcome**2

    quantiles = QUANTILES.copy()
    with pytest.raises(ConfigError, match=r"it failed with ValueError: .*read-only"):
        metric_losses({"mine": greedy}, quantiles, OUTCOME)
    np.testing.assert_array_equal(quantiles, QUANTILES)


def test_without_forecasts_no_metric_is_asked():
    def unasked(quantiles, outcome):
        raise AssertionError

    assert metric_losses({"mine": unasked}, QUANTILES[:0], OUTCOME[:0])["mine"].size == 0
