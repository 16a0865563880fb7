"""The first notebook runs; notebooks show each picture once, and pyplot keeps no state of it."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # jupyter_core speaks of folders to come
    import nbformat
    from docs.notebook import fresh_notebook

ROOT = Path(__file__).parents[2]
FIRST = ROOT / "examples" / "first.ipynb"
# of the libraries: a zmq socket under asyncio, and kernels over TCP
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _sources(monkeypatch):
    """The kernel imports what is tested."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")


def kinds(cell: Any) -> list[set[str]]:
    """What each output of a cell is shown as."""
    return [set(output.get("data", {output.get("name"): ""})) for output in cell.outputs]


def test_the_first_notebook_runs_and_shows_what_it_is_kept_with(tmp_path):
    kept = nbformat.read(FIRST, as_version=4)
    fresh = fresh_notebook(FIRST, folder=tmp_path)
    assert [cell.source for cell in fresh.cells] == [cell.source for cell in kept.cells]
    assert len(kept.cells) <= 25
    for new, old in zip(fresh.cells, kept.cells, strict=True):
        if new.cell_type == "code":
            assert kinds(new) == kinds(old), f"run make notebook: {new.source}"
    assert (tmp_path / "report.html").stat().st_size > 100_000


def test_the_first_notebook_is_small_names_no_place_and_links_to_pages_that_are_there():
    text = FIRST.read_text(encoding="utf-8")
    assert len(text) < 500_000
    assert not re.search(r"/(tmp|home|root|Users)/", text)
    links = re.findall(r"\]\(([^)h][^)]*)\)", text)
    assert links
    assert all((FIRST.parent / link).is_file() for link in links)


PLOT = """
import nextclose as nc, warnings
warnings.simplefilter("ignore")
forecasts = nc.predict(nc.sample_bars())
"""


@pytest.mark.parametrize("first", ["", "%matplotlib inline", "import matplotlib.pyplot as plt"])
def test_a_picture_is_shown_once_whatever_was_loaded_before(first, tmp_path):
    ends = ["forecasts.plot()", "figure = forecasts.plot()", "import sys"]
    if "pyplot" in first:
        ends[2] = "assert plt.get_fignums() == []; plt.get_backend()"
    cells = [nbformat.v4.new_code_cell(text) for text in (first, PLOT, *ends) if text]
    path = tmp_path / "plots.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    *_, shown, kept, last = fresh_notebook(path, folder=tmp_path).cells
    assert [kind & {"image/png"} for kind in kinds(shown)] == [{"image/png"}]
    assert kept.outputs == []
    if "pyplot" in first:
        assert "inline" in last.outputs[0]["data"]["text/plain"]
