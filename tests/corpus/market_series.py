"""Series of a market in one file: a share that moves between them, and rows beside the regular."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from tests.corpus.shapes import Shape, file, history

SHARE = history(exchange="XBOM", price=500.0)
NAMES = {name: name.capitalize() for name in SHARE.columns} | {"session": "Date"}


def with_series(series: Sequence[str], *, rows: pl.DataFrame = SHARE) -> str:
    """The share's bars with the series of each."""
    return rows.rename(NAMES).with_columns(Series=pl.Series(series)).write_csv()


def with_blocks(regular: Sequence[str]) -> str:
    """As `with_series`, and on every 9th day a block deal beside at another price."""
    text = with_series(regular).splitlines(keepends=True)
    for k in range(len(regular) - 1, -1, -9):
        day = SHARE["session"][k]
        text.insert(k + 1, f"{day},999.5,999.5,999.5,999.5,1000,BL\n")
    return "".join(text)


N = SHARE.height

SHAPES = (
    *(
        Shape(
            name=f"nse: one share, {name}",
            source="nseindia.com, security-wise archive: trade to trade (BE), regular market (EQ)",
            write=file("RELIANCE.NS.csv", with_series(series)),
            holds={"RELIANCE.NS": SHARE},
            exchanges={"RELIANCE.NS": "XBOM"},
        )
        for name, series in (
            ("BE, then EQ", ["BE"] * 200 + ["EQ"] * (N - 200)),
            ("EQ, then BE", ["EQ"] * 200 + ["BE"] * (N - 200)),
            ("EQ, some days BE", ["BE" if 100 <= k < 132 else "EQ" for k in range(N)]),
            ("BE throughout", ["BE"] * N),
        )
    ),
    Shape(
        name="nse: one share, block deals beside EQ",
        source="nseindia.com, security-wise archive",
        write=file("RELIANCE.NS.csv", with_blocks(["EQ"] * N)),
        holds={"RELIANCE.NS": SHARE},
        codes=("W43",),
    ),
)
