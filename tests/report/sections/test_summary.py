from dataclasses import replace

from nextclose.evaluation.verdict.coverage import Coverage
from nextclose.evaluation.verdict.summary import plain_sentence
from nextclose.report.sections.summary import summaries_by_horizon
from tests.report.verdict_rows import ROW, comparison, with_evidence


def figures_of(row):
    (part,) = summaries_by_horizon([row], headline="hybrid")
    return {figure.label: (figure.value, figure.beside) for figure in part.figures}


def test_each_horizon_has_its_word_its_plain_sentence_and_three_figures():
    later = with_evidence(ROW, horizon_sessions=30)
    single = with_evidence(ROW, symbol="A")
    parts = summaries_by_horizon([later, single, ROW], headline="hybrid")
    assert [part.horizon for part in parts] == ["7 sessions", "30 sessions"]
    assert (parts[0].word, parts[0].term) == ("Size, not direction", "SIZE ONLY")
    assert parts[0].sentence == plain_sentence(ROW)
    assert [len(part.figures) for part in parts] == [3, 3]
    assert summaries_by_horizon([ROW], headline="ewma") == ()


def test_every_figure_stands_beside_what_it_is_compared_with():
    assert figures_of(ROW) == {
        "Ranges better than garch by": ("+0.60%", ("95% interval +0.40 to +0.80%",)),
        "90% range held": ("89.6%", ("Of 6,300 outcomes; mean width 12.2% of price",)),
        "Price missed by": (
            "3.46%",
            ("“No change” missed by 3.52%", "Ratio 0.995, 95% interval 0.990 to 1.000"),
        ),
    }


def test_without_garch_the_gain_is_over_history():
    ranges = comparison("hs_250", 0.021, (0.01, 0.03))
    figures = figures_of(with_evidence(ROW, garch=None, ranges=ranges))
    assert figures["Ranges better than history by"][0] == "+2.10%"


def test_a_forecast_without_ranges_has_its_error_alone():
    point = with_evidence(ROW, point_only=True, ranges=None, garch=None, coverage=Coverage())
    assert [*figures_of(replace(point, verdict="POINT ONLY"))] == ["Price missed by"]


def test_ranges_that_are_surely_wrong_are_called_so():
    claims = replace(ROW.claims, miscalibrated=True)
    assert figures_of(replace(ROW, claims=claims))["90% range held"][1][-1] == (
        "Too narrow, and not by luck"
    )
