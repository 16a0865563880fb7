from dataclasses import replace

import numpy as np

from nextclose.models.location import risk_premium
from tests.builders import bare_samples, day


def test_the_premium_is_a_fiftieth_of_the_long_run_a_session_worked_by_hand():
    samples = bare_samples([day(0) + np.arange(5)], horizons=(1, 4, 25), scale=0.02, long_run=0.01)
    # .02 * 1 % a session: .02 %, .08 % and .5 % of log return, over 2 % times 1, 2 and 5
    expected = np.array([[0.0002 / 0.02, 0.0008 / 0.04, 0.005 / 0.10]])
    np.testing.assert_allclose(risk_premium(samples, np.array([3])), expected, rtol=1e-12)
    np.testing.assert_allclose(
        risk_premium(samples, np.array([3])) * samples.unit(np.array([3])), [[2e-4, 8e-4, 50e-4]]
    )


def test_each_row_has_its_own_and_none_where_its_size_is_not_known():
    samples = bare_samples([day(0) + np.arange(4)], horizons=(1,))
    table = replace(samples.table, long_run=np.array([np.nan, 0.01, 0.02, 0.01]))
    scale = np.array([0.01, np.nan, 0.01, 0.02])
    known = replace(samples, table=table, scale=scale)
    found = risk_premium(known, np.array([3, 0, 2, 1]))[:, 0]
    np.testing.assert_allclose(found, [0.01, np.nan, 0.04, np.nan])
