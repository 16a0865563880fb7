from nextclose.evaluation.breakdowns.news import NewsWorth
from nextclose.report.sections.hybrid import (
    calibration_table,
    importance_charts,
    news_table,
    variant_table,
)
from tests.report.frames import make_ablation, make_importance, make_variant


def test_ten_features_are_shown_and_the_rest_is_added_up():
    (chart,) = importance_charts(make_importance((1,)))
    # shares 12/78, 11/78 ... 1/78; the two last are 2/78 and 1/78
    assert [bar.name for bar in chart.bars] == [f"feature_{i}" for i in range(10)]
    assert chart.full == chart.bars[0].share == 12 / 78
    assert chart.note == "2 others: 4% together."


def test_nothing_is_drawn_without_trees():
    assert importance_charts(make_importance((1,)).clear()) == ()


def test_every_variant_has_a_row_with_gain_and_interval_by_horizon():
    table = variant_table([make_ablation(1), make_ablation(7)])
    assert table.titles[1:] == ("1 session", "95% interval", "7 sessions", "95% interval")
    assert [row.name for row in table.rows] == [
        "Without garch",
        "Without lstm",
        "Only garch",
    ]
    texts = [[(cell.text, cell.look) for cell in row.cells[:2]] for row in table.rows]
    assert texts[0] == [("+0.21%", "good"), ("+0.04 to +0.38%", "beside")]
    assert texts[1] == [("−0.15%", "bad"), ("−0.20 to −0.10%", "beside")]  # noqa: RUF001
    assert texts[2] == [("+0.62%", "good"), ("+0.30 to +0.94%", "beside")]


def test_calibration_is_shown_before_and_after_with_what_it_cost():
    (row,) = calibration_table([make_ablation(7)]).rows
    assert row.name == "7 sessions"
    assert [cell.text for cell in row.cells] == [
        *("87.1%", "89.8%", "4.40%", "4.60%", "1.045 ×", "−0.03%", "yes"),  # noqa: RUF001
    ]


def test_news_are_shown_with_and_without_by_horizon():
    gain = make_variant("without news", -0.0012, (-0.004, 0.0016))
    part = NewsWorth(
        horizon_sessions=7,
        model="hybrid",
        crps_with=0.02001,
        crps_without=0.019986,
        gain=gain,
        sentence="",
    )
    (row,) = news_table([part]).rows
    assert row.name == "7 sessions"
    assert [cell.text for cell in row.cells] == [
        *("2.001%", "1.999%", "−0.12%", "−0.40 to +0.16%"),  # noqa: RUF001
    ]
