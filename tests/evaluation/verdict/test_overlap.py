from dataclasses import replace

import pytest

from nextclose.evaluation.verdict.document import flat_row
from nextclose.evaluation.verdict.overlap import (
    Overlap,
    overlap_notice,
    silence_notice,
    with_overlaps,
)
from nextclose.evaluation.verdict.verdict import verdicts
from tests.evaluation.verdict.test_document import two_symbols

SOME = Overlap(model="lstm", taught_until="2004-12-31", refits=3, of=12)


@pytest.mark.parametrize(
    ("refits", "of", "says"),
    [
        (3, 12, "3 of its 12 refits lie in years that"),
        (1, 12, "1 of its 12 refits lies in years that"),
        (12, 12, "All its refits lie in years that"),
        (1, 1, "Its only refit lies in years that"),
    ],
)
def test_a_clause_says_how_many_refits_lie_in_years_that_taught_the_model(refits, of, says):
    clause = replace(SOME, refits=refits, of=of).clause
    assert clause == f"{says} taught it beforehand, up to 2004-12-31."


def test_every_sentence_on_a_model_that_overlaps_says_so_and_no_other():
    rows = verdicts(two_symbols())
    flagged = with_overlaps(rows, [SOME])
    for before, after in zip(rows, flagged, strict=True):
        if before.model == "lstm":
            said = f"{before.sentence} {SOME.clause}"
            assert after == replace(before, sentence=said, taught_until="2004-12-31")
            assert flat_row(after)["taught_until"] == "2004-12-31"
        else:
            assert after is before
            assert flat_row(after)["taught_until"] is None
    assert sum(row.model == "lstm" for row in rows) == 3  # both symbols, and both together
    assert with_overlaps(rows, []) == rows


def test_the_sentence_of_a_void_verdict_says_nothing_of_it_but_its_field_does():
    rows = tuple(replace(row, verdict="VOID") for row in verdicts(two_symbols()))
    for before, after in zip(rows, with_overlaps(rows, [SOME]), strict=True):
        until = "2004-12-31" if before.model == "lstm" else None
        assert after == replace(before, taught_until=until)


def test_a_notice_names_all_that_overlap_and_there_is_none_without_any():
    other = Overlap(model="mine", taught_until="2010-06-30", refits=1, of=1)
    one = "lstm (up to 2004-12-31, 3 of 12 refits)"
    two = "mine (up to 2010-06-30, 1 of 1 refit)"
    by_it = "taught beforehand by years that it is tested in."
    by_them = "taught beforehand by years that they are tested in."
    assert overlap_notice([SOME]) == f"Not a clean test: {one} was {by_it}"
    assert overlap_notice([SOME, other]) == f"Not a clean test: {one} and {two} were {by_them}"
    three = [SOME, other, replace(other, model="ours")]
    third = two.replace("mine", "ours")
    assert overlap_notice(three) == f"Not a clean test: {one}, {two} and {third} were {by_them}"
    assert overlap_notice([]) == ""


def test_refits_without_an_edition_are_counted_in_a_sentence():
    assert silence_notice({"": 3, "1994-12-31": 2}) == (
        "lstm made no forecast in 3 of 5 refits: none of its editions had ended."
    )
    assert silence_notice({"1994-12-31": 2}) == silence_notice({}) == ""
