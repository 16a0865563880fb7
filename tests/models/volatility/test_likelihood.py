import warnings

import numpy as np
import pytest
from arch import arch_model

from nextclose.models.volatility.likelihood import maximum_likelihood
from tests.models.volatility.test_gjr import gjr_returns

TYPICAL = np.array([0.04, 0.02, 0.03, 0.08, 0.90, 6.0])


def crashed() -> np.ndarray:
    """A crash drives the arch terms to their constraints."""
    returns = gjr_returns(900, seed=3)
    returns[400] = -0.6
    return returns


@pytest.mark.parametrize("start", [None, TYPICAL], ids=["own", "typical"])
@pytest.mark.parametrize(
    "returns",
    [
        gjr_returns(700, seed=1),
        gjr_returns(2520, seed=2),
        crashed(),
        0.2 * gjr_returns(600, seed=4),
    ],
    ids=["short", "long", "crash", "quiet"],
)
def test_the_optimum_is_that_of_arch(returns, start):
    seen = np.round(100 * returns, 7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optimum = maximum_likelihood(seen, start=start)
        found, is_converged = optimum.parameters, optimum.is_converged
        model = arch_model(seen, mean="Constant", p=1, o=1, q=1, dist="t", rescale=False)
        peer = model.fit(disp="off", show_warning=False, starting_values=start)
    assert is_converged == (peer.convergence_flag == 0)
    assert model.fix(found).loglikelihood == pytest.approx(peer.loglikelihood, rel=1e-9)
    np.testing.assert_allclose(found, peer.params, rtol=1e-3, atol=1e-6)


def test_the_constraints_of_arch_hold():
    mu, omega, alpha, gamma, beta, nu = maximum_likelihood(np.round(100 * crashed(), 7)).parameters
    assert min(omega, alpha, alpha + gamma, beta) > -1e-6  # the solver's grain
    assert alpha + gamma / 2 + beta < 1 + 1e-6
    assert 2.05 <= nu <= 500
    assert abs(mu) < 1


def test_returns_that_never_move_do_not_converge():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not maximum_likelihood(np.zeros(600)).is_converged
