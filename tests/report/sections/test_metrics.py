from dataclasses import replace

from nextclose.evaluation.verdict.evidence import MetricEvidence
from nextclose.report.sections.metrics import metric_tables
from tests.report.verdict_rows import ROW, comparison, with_evidence

WINKLER = MetricEvidence(
    mean=8.12345,
    naive_mean=12.3456,
    reference_mean=8.5,
    comparison=comparison("hs_250", 0.0443, (0.0412, 0.0474)),
)
ALONE = replace(WINKLER, reference_mean=None, comparison=None)
HYBRID = with_evidence(ROW, metrics={"winkler": WINKLER})


def texts(row):
    return [(cell.text, cell.beside) for cell in row.cells]


def test_a_mean_stands_beside_no_change_and_history_and_a_skill_beside_its_interval():
    (table,) = metric_tables([HYBRID], models=("hybrid",))
    assert table.caption == "Your own metrics, 7 sessions ahead"
    assert table.titles == (
        *("Model", "winkler, no change", "Of history", "Skill, history", "95% interval"),
    )
    assert texts(table.rows[0]) == [
        ("8.123", "12.35"),
        ("8.500", ""),
        ("+4.43%", ""),
        ("4.12 to 4.74", ""),
    ]


def test_a_yardstick_has_its_mean_only_and_models_stand_in_their_order():
    yardstick = with_evidence(
        replace(ROW, verdict="YARDSTICK"), model="hs_250", metrics={"winkler": WINKLER}
    )
    later = with_evidence(HYBRID, horizon_sessions=30)
    tables = metric_tables([yardstick, later, HYBRID], models=("hybrid", "hs_250"))
    assert [table.caption.partition(", ")[2] for table in tables] == [
        "7 sessions ahead",
        "30 sessions ahead",
    ]
    assert [(row.name, row.strong) for row in tables[0].rows] == [
        ("hybrid", True),
        ("hs_250", False),
    ]
    assert texts(tables[0].rows[1]) == [("8.123", "12.35"), *[("–", "")] * 3]  # noqa: RUF001


def test_without_a_reference_its_columns_are_left_out():
    (table,) = metric_tables([with_evidence(ROW, metrics={"a": ALONE})], models=("hybrid",))
    assert table.titles == ("Model", "a, no change")


def test_without_such_metrics_there_is_no_table():
    assert metric_tables([ROW], models=("hybrid",)) == ()
