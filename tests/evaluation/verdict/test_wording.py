import pytest

from nextclose.evaluation.hypothesis_tests.mean import MeanTest
from nextclose.evaluation.verdict.comparison import Comparison
from nextclose.evaluation.verdict.wording import (
    brackets,
    claim_interval,
    comparison_text,
    gain_text,
)


def test_brackets_hold_the_facts_that_there_are():
    assert (brackets("a", "", "b"), brackets("", "")) == (" (a; b)", "")


def comparison(mean: float, error: float) -> Comparison:
    test = MeanTest(mean=mean, standard_error=error, dof=10**9)
    return Comparison(reference="garch", skill=mean, test=test)


def test_a_difference_that_is_no_claim_has_the_two_sided_interval_of_its_own_direction():
    assert (
        comparison_text(comparison(0.02, 0.01))
        == "2.0% better than garch (95% interval 0.04 to 4.0%)"
    )
    assert (
        comparison_text(comparison(-0.02, 0.01))
        == "2.0% worse than garch (95% interval 0.04 to 4.0%)"
    )
    assert comparison_text(comparison(0.02, 0.01), named=False).startswith("2.0% better (95%")


@pytest.mark.parametrize(("error", "level"), [(0.01, 0.9), (0.014, 0.8)])
def test_a_claim_has_the_interval_that_leaves_out_zero_as_its_test_does(error, level):
    bounds, stated = claim_interval(comparison(0.02, error))  # p = 0.023 and 0.077
    assert stated == pytest.approx(level)
    assert bounds[0] > 0
    assert gain_text(comparison(0.02, error), "p = 0.02").startswith(
        f"2.0% better than garch ({level:.0%}"
    )
