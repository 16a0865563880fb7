from dataclasses import replace

from tests.report.synthetic import make_content


def test_horizons_are_those_with_a_pooled_verdict_on_the_headline():
    content = make_content(("A",), n_sessions=100, n_origins=10, horizons=(7, 1))
    assert content.horizons == (1, 7)
    assert replace(content, headline="nobody").horizons == ()


def test_models_that_learnt_are_there_even_if_nobody_judged_them():
    content = make_content(("A",), n_sessions=100, n_origins=10, models=("hybrid", "naive"))
    assert content.models == ("hybrid", "naive", "trees", "lstm", "classic")
