from typing import get_args

from nextclose.evaluation.verdict.decision import Category
from nextclose.report.wording import VERDICT_WORDS, truncation_note


def test_every_category_of_the_verdict_has_a_word():
    assert set(VERDICT_WORDS) == set(get_args(Category))
    assert VERDICT_WORDS["VOID"] == ("No verdict", "bad")


def test_a_list_that_shows_all_says_nothing_of_it():
    assert truncation_note(3, 3, "rows") == ""
    assert truncation_note(2000, 180, "rows") == "Shown are 180 of 2,000 rows."
