"""Which model leads, from rows made by hand: every way to lead, and what is said of it."""

from dataclasses import replace

import numpy as np
import pytest

from nextclose.evaluation.verdict.lead import BestSet, lead_of
from nextclose.evaluation.verdict.verdict import VerdictRow
from tests.report.verdict_rows import make_standing, verdict_row

RNG = np.random.default_rng(0)
CAVEAT = " These results chose it, so they may flatter it; another period may choose another."


def row(model: str, horizon: int, *, in_best_set: bool | None) -> VerdictRow:
    standing = replace(make_standing(model), in_confidence_set=in_best_set)
    made: VerdictRow = replace(verdict_row("*", horizon, model, RNG), standing=standing)
    return made


def rows(horizon: int = 1, **in_best_set: bool | None) -> list[VerdictRow]:
    """The pooled rows of one horizon: model, and whether it is in the best set."""
    return [row(model, horizon, in_best_set=said) for model, said in in_best_set.items()]


def choice(*parts: list[VerdictRow], listed: str) -> tuple[str, str]:
    lead = lead_of([row for part in parts for row in part], listed=listed.split())
    return lead.model, lead.reason


def sentence(*parts: list[VerdictRow], listed: str) -> str:
    return lead_of([row for part in parts for row in part], listed=listed.split()).sentence


FIRST = rows(1, hybrid=True, lstm=True, loghar=True, garch=False)


def test_the_simplest_of_those_in_the_best_set_at_every_horizon_leads():
    week = rows(7, hybrid=True, lstm=True, loghar=True, garch=True)
    lead = lead_of([*week, *FIRST], listed=("hybrid", "lstm", "loghar", "garch"))
    assert (lead.model, lead.reason) == ("loghar", "best set")
    assert lead.best_sets == (
        BestSet(horizon_sessions=1, models=("loghar", "lstm", "hybrid"), n_compared=4),
        BestSet(horizon_sessions=7, models=("garch", "loghar", "lstm", "hybrid"), n_compared=4),
    )
    assert lead.sentence == (
        "loghar leads: the simplest of the listed models that no other is shown to beat at any "
        "horizon. Best set by CRPS of 4 models compared, at 1 session: loghar, lstm, hybrid; "
        "at 7 sessions: garch, loghar, lstm, hybrid." + CAVEAT
    )


def test_horizons_with_equal_sets_are_told_together_and_numbers_that_differ_as_such():
    far = rows(30, hybrid=True, lstm=True, loghar=True)
    week = rows(7, garch=True, har=False)
    assert (
        "Best set by CRPS of 2 to 4 models compared, at 1, 30 sessions: loghar, lstm, hybrid; "
        "at 7 sessions: garch."
    ) in sentence(FIRST, week, far, listed="hybrid lstm loghar garch har")


def test_where_none_is_in_every_set_the_simplest_of_those_in_most_leads():
    week = rows(7, hybrid=True, lstm=False, loghar=False, garch=True)
    far = rows(30, hybrid=False, lstm=True, loghar=True, garch=True)
    # garch 2, loghar 2, lstm 2, hybrid 2 of 3
    assert choice(FIRST, week, far, listed="hybrid lstm loghar garch") == (
        "garch",
        "best set at most horizons",
    )
    assert choice(FIRST, week, far, listed="hybrid lstm")[0] == "lstm"
    far = rows(30, hybrid=False, lstm=True, loghar=False, garch=False)
    assert sentence(FIRST, week, far, listed="hybrid lstm loghar garch").startswith(
        "lstm leads: the simplest of the listed models that no other is shown to beat at 2 of 3 "
        "horizons, the most that any has. Best set"
    )


def test_the_sentence_on_most_horizons_says_that_the_results_chose():
    week = rows(7, hybrid=False, lstm=False, loghar=False, garch=True)
    assert sentence(FIRST, week, listed="hybrid loghar").endswith(CAVEAT)


def test_a_yardstick_that_was_not_listed_never_leads_and_is_named_as_such():
    day = rows(1, hs_250=True, har=True, trees=True, naive=None)
    assert choice(day, listed="trees har naive") == ("har", "best set")
    assert sentence(day, listed="trees har naive") == (
        "har leads: the simplest of the listed models that no other is shown to beat. "
        "Best set by CRPS of 3 models compared, at 1 session: hs_250 (not listed), har, trees."
        + CAVEAT
    )
    assert choice(day, listed="trees hs_250 har naive") == ("hs_250", "best set")


def test_where_no_listed_model_is_in_the_best_set_the_simplest_leads_and_no_result_chose_it():
    day = rows(1, garch=True, har=False, trees=False)
    assert choice(day, listed="trees har") == ("har", "not in best set")
    assert sentence(day, listed="trees har") == (
        "har leads: the simplest listed model that made ranges, and none of them is in the best "
        "set. Best set by CRPS of 3 models compared, at 1 session: garch (not listed)."
    )


def test_where_too_little_is_comparable_the_simplest_that_made_ranges_leads():
    day = rows(1, naive=None, trees=None, lstm=None)
    assert sentence(day, listed="naive lstm trees") == (
        "trees leads: the simplest listed model that made ranges. "
        "There was too little to compare to tell which model may be the best."
    )
    assert choice(day, listed="naive lstm trees") == ("trees", "too little to compare")


def test_a_horizon_with_too_little_to_compare_is_told_and_does_not_count():
    far = rows(30, hybrid=None, lstm=None, loghar=None, garch=None)
    assert choice(FIRST, far, listed="hybrid loghar garch") == ("loghar", "best set")
    said = sentence(FIRST, far, listed="hybrid loghar garch")
    assert "at 1 session: loghar, lstm (not listed), hybrid; " in said
    assert "; at 30 sessions: too little to compare." in said


def test_results_that_cannot_be_trusted_choose_nothing():
    void = [replace(row, verdict="VOID") for row in FIRST]
    lead = lead_of(void, listed=("hybrid", "loghar", "garch"))
    assert (lead.model, lead.reason) == ("garch", "too little to compare")
    assert lead.best_sets == ()


def test_rows_of_single_symbols_say_nothing_of_the_lead():
    alone = [verdict_row("IBM", 1, "garch", RNG), *rows(1, loghar=None, lstm=None)]
    assert choice(alone, listed="garch loghar lstm") == ("loghar", "too little to compare")


@pytest.mark.parametrize("in_best_set", [True, False, None])
def test_a_model_of_ones_own_leads_whatever_the_results(in_best_set):
    day = rows(1, naive=None, har=True, mine=in_best_set, yours=True)
    assert choice(day, listed="naive har mine yours") == ("mine", "own model")
    assert choice(day, listed="yours har mine") == ("yours", "own model")
    said = sentence(day, listed="naive har mine")
    assert said.startswith("mine leads: it is a model of your own. Best set by CRPS of ")
    assert CAVEAT not in said


def test_the_only_model_with_ranges_leads_in_the_best_set_or_not():
    for is_in in (True, False):
        day = rows(1, naive=None, lstm=is_in, garch=True)
        assert choice(day, listed="naive lstm") == ("lstm", "only model")
        said = sentence(day, listed="naive lstm")
        assert said.startswith("lstm leads: no other listed model made ranges. Best set")
        assert CAVEAT not in said
        assert sentence(day, listed="lstm").startswith("lstm leads: it is the only listed model. ")


def test_without_ranges_the_tutorial_leads_before_what_it_is_measured_with():
    day = rows(1, naive=None, classic=None, garch=True, hs_250=False)
    assert choice(day, listed="naive classic") == ("classic", "no ranges")
    assert sentence(day, listed="naive classic").startswith(
        "classic leads: no listed model made ranges. Best set"
    )
    assert sentence(day, listed="naive").startswith("naive leads: it is the only listed model. ")
    assert choice(day, listed="naive classic garch") == ("garch", "only model")


def test_a_model_without_a_verdict_leads_only_where_none_has_one():
    day = rows(1, naive=None, trees=True, lstm=True)
    assert choice(day, listed="har trees lstm mine") == ("trees", "best set")
    assert choice(day, listed="har naive")[0] == "naive"
    assert choice([], listed="lstm har")[0] == "har"
    assert choice([], listed="lstm mine")[0] == "mine"


def test_where_no_outcome_is_known_it_is_not_said_that_nobody_made_ranges():
    lead = lead_of([], listed=("naive", "loghar", "hybrid"))
    assert lead.model == "loghar"
    assert "loghar leads: no forecast has a known outcome yet." in lead.sentence
