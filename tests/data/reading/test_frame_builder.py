from datetime import date

import numpy as np
import polars as pl

from nextclose.data.reading.frame_builder import FrameBuilder

BLOCKS = [
    pl.DataFrame(
        {
            "symbol": ["A", None, "NA"],
            "date": [date(1960, 1, 1), date(2019, 3, 4), None],
            "close": [1.5, None, np.inf],
            "volume": [1, -(2**63), 2**63 - 1],
        }
    ),
    pl.DataFrame(
        {
            "symbol": ["B"],
            "date": [date(2019, 3, 5)],
            "close": [-0.0],
            "volume": [None],
        },
        schema_overrides={"volume": pl.Int64},
    ),
]


def test_blocks_come_out_below_each_other_to_the_bit():
    stack = FrameBuilder()
    for block in BLOCKS * 50:
        stack.add(block)
    expected = pl.concat(BLOCKS * 50)
    frame = stack.frame()
    assert frame.schema == expected.schema
    assert frame.equals(expected)
    assert np.signbit(frame["close"][3])
    assert frame.n_chunks("all") == [1, 1, 1, 1]


def test_a_stack_that_was_emptied_begins_anew():
    stack = FrameBuilder()
    stack.add(BLOCKS[0])
    stack.frame()
    assert stack.frame().is_empty()
    stack.add(BLOCKS[1])
    assert stack.frame().equals(BLOCKS[1])
