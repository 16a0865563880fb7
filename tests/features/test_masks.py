from datetime import UTC, datetime

import numpy as np
import polars as pl

from nextclose.features.table import make_table
from nextclose.schema import MASK_COLUMNS
from tests.features.random_bars import bars_of, random_frame
from tests.frames import collect_bars
from tests.leakage.price_files import halted

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def test_masks_are_columns_of_0_and_1_beside_the_others():
    frame = random_frame(seed=3)
    table = make_table(bars_of(frame), families=("stationary", "masks"))
    span = table.families["masks"]
    assert table.names[span.start : span.stop] == MASK_COLUMNS
    expected = frame.select(pl.col(MASK_COLUMNS).cast(pl.Float32)).to_numpy()
    np.testing.assert_array_equal(table.values[:, span.start : span.stop], expected)
    assert 0 < expected.sum() < expected.size


def test_without_masks_in_the_bars_the_family_is_left_out_and_said():
    bare = random_frame(seed=3).drop(MASK_COLUMNS)
    table = make_table(bars_of(bare), families=("stationary", "masks"))
    assert "masks" not in table.families
    assert set(table.left_out) == set(MASK_COLUMNS)


def test_a_halt_ends_the_segment_that_no_window_crosses():
    bars = collect_bars(halted(), now=NOW)
    table = make_table(bars)
    borders = {(table.symbols[table.symbol[a]], int(b - a)) for a, b in table.segments}
    # BBB stands still for sessions 350 to 419: 59 of them stay, the rest are no bars
    assert borders == {
        ("AAA", 700),
        ("BBB", 350 + 59),
        ("BBB", 280),
        ("CCC.T", 559),
        ("CCC.T", 138),
    }
    assert all(len(set(table.symbol[a:b])) == 1 for a, b in table.segments)
