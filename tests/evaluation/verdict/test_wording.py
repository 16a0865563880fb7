import pytest

from nextclose.evaluation.hypothesis_tests.mean import MeanTest
from nextclose.evaluation.verdict.comparison import Comparison
from nextclose.evaluation.verdict.wording import (
    brackets,
    claim_interval,
    comparison_text,
    gain_text,
)
from nextclose.formatting import (
    interval_text,
    p_value_text,
    percent,
    sessions,
    signed_percent,
    times,
)


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0.0052, "0.52%"), (0.026, "2.6%"), (-0.0000001, "0.00%"), (-0.0052, "-0.52%")],
)
def test_percentages_below_one_have_two_decimals_and_zero_has_no_sign(fraction, text):
    assert percent(fraction) == text


def test_small_phrases():
    assert (signed_percent(0.01), signed_percent(-0.02)) == ("+1.0%", "-2.0%")
    assert (times(2.345), times(12.3)) == ("2.3", "12")
    assert (sessions(1), sessions(7)) == ("1 session", "7 sessions")
    assert (brackets("a", "", "b"), brackets("", "")) == (" (a; b)", "")
    assert interval_text((-0.01, 0.02), 0.9) == "90% interval -1.0 to 2.0%"
    assert (interval_text(None), p_value_text(None, 3)) == ("", "")
    assert p_value_text(0.00001, 1) == "p < 0.001"
    assert p_value_text(0.0123, 20) == "p = 0.012, 20 comparisons"


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
