"""Small made headlines."""

from collections.abc import Sequence

import polars as pl

from nextclose.data.news.items import news_items

Frame = pl.DataFrame


def news_frame(*stamps: str, symbols: Sequence[str] = (), **columns: Sequence[object]) -> Frame:
    """One headline per stamp, all different, of IBM unless symbols are given."""
    return pl.DataFrame(
        {
            "symbol": list(symbols) or ["IBM"] * len(stamps),
            "first_seen": list(stamps),
            "headline": [f"headline {k}" for k in range(len(stamps))],
            **columns,
        }
    )


def items(*stamps: str, symbols: Sequence[str] = ()) -> Frame:
    """The same as items, none of which may be refused."""
    frame = news_frame(*stamps, symbols=symbols)
    rows = pl.int_range(1, frame.height + 1, eager=True)
    found, findings = news_items(frame, path="news.csv", rows=rows)
    assert findings == ()
    return found
