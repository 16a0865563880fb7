"""Where the likelihood of GJR-GARCH-t is greatest: the parts of `arch`, put to the optimiser here.

`arch` does not tell the optimiser that its constraints are linear, and so has their slopes measured
at every step, two fifths of a fit. What is reached is the optimum of `arch` itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nextclose.schema import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimum:
    """Parameters (mu, omega, alpha, gamma, beta, nu), in per cent, and their log likelihood."""

    parameters: Floats
    log_likelihood: float
    is_converged: bool


def maximum_likelihood(returns: Floats, *, start: Floats | None = None) -> Optimum:
    """What the optimiser reaches from a start.

    Expects: returns in per cent; the optimiser's tolerances are of that size.
    Without a `start`: that of `arch`, the best of 64 by a normal likelihood.
    Limits: warns, as `arch` does, of steps that were merely tried.
    """
    from arch.univariate import GARCH, StudentsT  # takes a second or two to import
    from scipy.optimize import minimize

    recursion, density = GARCH(p=1, o=1, q=1), StudentsT()
    mean = np.linalg.pinv(np.ones((len(returns), 1))) @ returns  # to the last bit that of `arch`
    centred = returns - mean
    backcast, limits = recursion.backcast(centred), recursion.variance_bounds(centred)
    variance = np.zeros(len(returns))

    def variances(law: Floats, shocks: Floats) -> Floats:
        recursion.compute_variance(law, shocks, variance, backcast, limits)
        return variance

    def loss(x: Floats) -> float:
        shocks = returns - x[:1]
        return -float(density.loglikelihood(x[5:], shocks, variances(x[1:5], shocks)))

    first = recursion.starting_values(centred)
    standardised = centred / np.sqrt(variances(first, centred))
    if start is None:
        start = np.concatenate([mean, first, density.starting_values(standardised)])
    slopes, least = _constraints(recursion.constraints(), density.constraints())
    result = minimize(
        loss,
        start,
        method="SLSQP",
        bounds=[(-np.inf, np.inf), *recursion.bounds(centred), *density.bounds(standardised)],
        constraints={"type": "ineq", "fun": lambda x: slopes @ x - least, "jac": lambda _: slopes},
    )
    return Optimum(
        parameters=np.asarray(result.x),
        log_likelihood=-float(result.fun),
        is_converged=bool(result.status == 0),
    )


def _constraints(
    law: tuple[Floats, Floats], density: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Slopes (constraint, parameter) and least values, of those of the law and of the density."""
    n_law, n_density = len(law[1]), len(density[1])
    slopes = np.zeros((n_law + n_density, 6))
    slopes[:n_law, 1:5], slopes[n_law:, 5:] = law[0], density[0]
    return slopes, np.concatenate([law[1], density[1]])
