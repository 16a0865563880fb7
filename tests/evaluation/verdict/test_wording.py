from nextclose.evaluation.hypothesis_tests.mean import MeanTest
from nextclose.evaluation.verdict.comparison import Comparison
from nextclose.evaluation.verdict.wording import (
    brackets,
    comparison_text,
    gain_text,
    p_text,
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


def test_a_claim_whose_two_sided_interval_holds_zero_says_that_its_p_is_one_sided():
    clear, close = comparison(0.02, 0.01), comparison(0.02, 0.011)  # 2 and 1.8 standard errors
    assert gain_text(clear, "p = 0.023") == (
        "2.0% better than garch (95% interval 0.04 to 4.0%; p = 0.023)"
    )
    assert gain_text(close, "p = 0.035") == (
        "2.0% better than garch (95% interval -0.16 to 4.2%; one-sided p = 0.035)"
    )
    assert p_text(close, "") == ""
