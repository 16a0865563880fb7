from typing import get_args

import pytest

from nextclose.evaluation.verdict.decision import Category
from nextclose.report.wording import (
    NOTHING,
    WORDS,
    between,
    chance,
    number,
    sessions,
    share,
    spread,
    yes_or_no,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.5, "1,234.50"), (-0.256, "−0.26"), (None, "–"), (float("nan"), "–")],  # noqa: RUF001
)
def test_a_number_has_thousands_a_true_minus_and_a_dash_for_nothing(value, text):
    assert number(value, decimals=2) == text


def test_what_rounds_to_nothing_has_no_sign():
    assert number(-0.0004, decimals=2) == "0.00"
    assert number(0.0004, decimals=2, signed=True) == "0.00"
    assert share(-0.00001, signed=True) == "0.0%"


@pytest.mark.parametrize(
    ("p_value", "text"),
    [(0.00099, "< 0.001"), (0.0421, "0.042"), (0.3, "0.30"), (None, "–")],  # noqa: RUF001
)
def test_a_chance_shows_the_digits_that_matter(p_value, text):
    assert chance(p_value) == text


def test_intervals_and_horizons_in_words():
    assert between((0.01, 0.025), percent=True) == "+1.0 to +2.5%"
    assert between(None, percent=True) == ""
    assert [sessions(1), sessions(30)] == ["1 session", "30 sessions"]


def test_an_interval_has_as_many_decimals_as_the_figure_it_belongs_to():
    assert between((-0.0012, 0.01234), percent=True) == "−0.1 to +1.2%"  # noqa: RUF001
    assert spread((-0.0012, 0.01234), percent=True, decimals=2) == (
        "95% interval −0.12 to +1.23%"  # noqa: RUF001
    )
    assert spread(None, percent=True) == ""


def test_every_category_of_the_verdict_has_a_word():
    assert set(WORDS) == set(get_args(Category))
    assert WORDS["VOID"] == ("No verdict", "bad")


def test_no_answer_is_neither_yes_nor_no():
    assert [yes_or_no(x) for x in (True, False, None)] == ["yes", "no", NOTHING]
