"""Files whose name or folder says one symbol and whose cells another."""

from __future__ import annotations

import polars as pl

from tests.corpus.shapes import Shape, file, files, history

AAPL = history()
NAMES = {name: name.capitalize() for name in AAPL.columns} | {"session": "Date"}


def text(key: str, value: str) -> str:
    return AAPL.rename(NAMES).with_columns(pl.lit(value).alias(key)).write_csv()


SHAPES = (
    *(
        Shape(
            name=f"AAPL.csv whose {key} is {value}",
            source="a file renamed by hand, or saved under the name of another",
            write=file("AAPL.csv", text(key, value)),
            holds={"AAPL": AAPL},
            codes=("W67",),
        )
        for key, value in (("Name", "MSFT"), ("code", "MSFT"), ("Stock", "MSFT"))
    ),
    Shape(
        name="a partition of AAPL that holds IBM",
        source="a lake that a script wrote to the wrong folder",
        write=files({"lake/symbol=AAPL/p.csv": text("symbol", "IBM")}, argument="lake"),
        holds={"AAPL": AAPL},
        asks=("E67",),
        answers={"symbols": {"symbol=AAPL/p.csv": "AAPL"}},
    ),
    Shape(
        name="a partition of AAPL that holds AAPL",
        source="lakes that keep the key in the files",
        write=files({"lake/symbol=AAPL/p.csv": text("symbol", "AAPL")}, argument="lake"),
        holds={"AAPL": AAPL},
    ),
    Shape(
        name="AAPL.csv whose Name is AAPL",
        source="kaggle.com, individual_stocks_5yr: AAPL_data.csv with Name",
        write=file("AAPL.csv", text("Name", "AAPL")),
        holds={"AAPL": AAPL},
    ),
)
