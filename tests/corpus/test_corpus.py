"""Files as the tools of the field write them: read as what they hold, or asked about once."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import polars as pl
import pytest

from nextclose.config import DataConfig
from nextclose.data.sources.loading import load_usable_bars
from nextclose.data.suggestions import suggestion_toml, with_suggestion
from nextclose.schema import Bars
from tests.corpus.shapes import Shape

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
# each module here but this one and `shapes` has its SHAPES
MODULES = sorted(
    path.stem
    for path in Path(__file__).parent.glob("*.py")
    if path.stem not in ("__init__", "shapes", "columns_text", "test_corpus")
)
SHAPES: tuple[Shape, ...] = tuple(
    shape for module in MODULES for shape in import_module(f"tests.corpus.{module}").SHAPES
)


def marked(shape: Shape) -> object:
    """The shape as a parameter; one that is broken today must fail, or its mark is out of date."""
    marks = [pytest.mark.xfail(strict=True, reason=shape.broken)] if shape.broken else []
    return pytest.param(shape, id=shape.name, marks=marks)


@pytest.mark.parametrize("shape", [marked(shape) for shape in SHAPES])
def test_a_shape_is_read_as_what_it_holds(shape: Shape, tmp_path: Path) -> None:
    paths = shape.write(tmp_path)
    bars = load_usable_bars(*paths, now=NOW)
    refusals = [finding for finding in bars.findings if finding.response == "E"]
    assert {finding.code for finding in refusals} == set(shape.asks), bars.findings
    if refusals:
        fixes = " ".join(finding.fix for finding in refusals)
        assert all(re.search(rf"data\.{name}\b", fixes) for name in shape.answers), fixes
        data = with_suggestion(DataConfig(), suggestion_toml(refusals) or "[data]")
        data = DataConfig.model_validate({**data.model_dump(), **shape.answers})
        bars = load_usable_bars(*paths, config=data, now=NOW)
    if shape.holds:  # else a person must mend the file
        assert_holds(bars, shape)


def assert_holds(bars: Bars, shape: Shape) -> None:
    """These symbols, these sessions, these closes to the bit; and what must be said."""
    codes = {finding.code for finding in bars.findings}
    assert not [code for code in codes if code.startswith("E")], bars.findings
    assert set(shape.codes) <= codes, bars.findings
    assert bars.symbols == tuple(sorted(shape.holds))
    for symbol, expected in shape.holds.items():
        rows = bars.frame.filter(pl.col("symbol") == symbol)
        assert rows["session"].to_list() == expected["session"].to_list()
        assert rows["close"].to_list() == expected["close"].to_list()
    assert {symbol: bars.exchanges[symbol] for symbol in shape.exchanges} == dict(shape.exchanges)


def test_names_are_told_apart_and_each_has_its_source() -> None:
    assert len({shape.name for shape in SHAPES}) == len(SHAPES)
    assert all(shape.source for shape in SHAPES)
