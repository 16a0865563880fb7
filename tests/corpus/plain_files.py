"""One file a symbol, as download buttons and libraries write it."""

from __future__ import annotations

from tests.corpus.shapes import Shape, file, history

AAPL = history()

SHAPES = (
    Shape(
        name="yahoo: the website's history.csv",
        source="finance.yahoo.com, the download of a symbol's historical data",
        write=file(
            "AAPL.csv",
            AAPL.with_columns(AAPL["close"].alias("Adj Close"))
            .select("session", "open", "high", "low", "close", "Adj Close", "volume")
            .rename({"session": "Date", "open": "Open", "high": "High", "low": "Low"})
            .rename({"close": "Close", "volume": "Volume"})
            .write_csv(),
        ),
        holds={"AAPL": AAPL},
        exchanges={"AAPL": "XNYS"},
    ),
)
