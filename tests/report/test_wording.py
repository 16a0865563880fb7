from typing import get_args

from nextclose.evaluation.verdict.decision import Category
from nextclose.report.wording import (
    VERDICT_WORDS,
    first_sentence,
    truncation_note,
    typeset,
)


def test_every_category_of_the_verdict_has_a_word():
    assert set(VERDICT_WORDS) == set(get_args(Category))
    assert VERDICT_WORDS["VOID"] == ("No verdict", "bad")


def test_a_list_that_shows_all_says_nothing_of_it():
    assert truncation_note(3, 3, "rows") == ""
    assert truncation_note(2000, 180, "rows") == "Shown are 180 of 2,000 rows."


def test_a_sentence_is_set_in_type_and_names_are_left_alone():
    said = "sizes -0.15 to 0.84% of 'no change', 90 % held; R2 0.1; model x-1 of 2004-12-31"
    assert typeset(said) == (
        "sizes −0.15 to 0.84% of “no change”, 90% held; R² 0.1; model x-1 of 2004-12-31"  # noqa: RUF001
    )
    assert typeset("garch's and the symbol's") == "garch’s and the symbol’s"  # noqa: RUF001


def test_the_first_sentence_ends_at_its_full_stop():
    assert first_sentence("har leads: why. Best set, 0.5. More.") == "har leads: why."
    assert first_sentence("har leads.") == "har leads."
