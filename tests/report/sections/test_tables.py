import polars as pl

from nextclose.report.sections import tables
from tests.report.synthetic import make_content


def test_the_tutorial_table_sets_the_network_beside_no_change():
    content = make_content(("A",), n_sessions=100, n_origins=10)
    grid = tables.tutorial(content.tutorial)
    assert grid.head[:3] == ("Metric", "1 session: network", "no change")
    texts = {row.name: [cell.text for cell in row.cells[:2]] for row in grid.rows}
    assert texts["Mean absolute percentage error"] == ["14.20%", "1.55%"]
    assert texts["Direction the tutorial’s way"] == ["61.7%", "50.5%"]  # noqa: RUF001
    assert texts["Direction against the last close"] == ["49.0%", "52.4%"]


def test_a_metric_of_the_tutorial_without_a_row_has_no_line_of_dashes():
    frame = make_content(("A",), n_sessions=100, n_origins=10).tutorial
    grid = tables.tutorial(frame.filter(pl.col("metric") != "consecutive_direction"))
    assert len(grid.rows) == 5
    assert "Direction the tutorial’s way" not in [row.name for row in grid.rows]  # noqa: RUF001
