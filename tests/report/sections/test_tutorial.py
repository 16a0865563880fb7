import polars as pl

from nextclose.report.sections.tutorial import tutorial_comparison
from tests.report.synthetic import make_content


def test_the_tutorial_table_sets_the_network_beside_no_change():
    content = make_content(("A",), n_sessions=100, n_origins=10)
    table = tutorial_comparison(content.tutorial)
    assert table.titles[:3] == ("Metric", "1 session: network", "no change")
    texts = {row.name: [cell.text for cell in row.cells[:2]] for row in table.rows}
    assert texts["Mean absolute percentage error"] == ["14.20%", "1.55%"]
    assert texts["Direction the tutorial’s way"] == ["61.7%", "50.5%"]  # noqa: RUF001
    assert texts["Direction against the last close"] == ["49.0%", "52.4%"]


def test_a_metric_of_the_tutorial_without_a_row_has_no_line_of_dashes():
    frame = make_content(("A",), n_sessions=100, n_origins=10).tutorial
    table = tutorial_comparison(frame.filter(pl.col("metric") != "consecutive_direction"))
    assert len(table.rows) == 5
    assert "Direction the tutorial’s way" not in [row.name for row in table.rows]  # noqa: RUF001
