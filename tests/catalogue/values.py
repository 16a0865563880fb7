"""Catalogue 54-70: what the numbers say, of one bar and of a symbol's bars together."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.catalogue.cases import (
    CLOSES,
    Case,
    Closes,
    Row,
    Write,
    base,
    cells,
    close_rows,
    csv,
    sessions_from,
    text_of,
    walk,
    with_symbol,
)

GONE = (0, 1, 2, 3, 5, 6, 7, 8, 9)  # without 2019-03-08
CLOSE_ONLY = {"W21": 1}
PRICES = ("open", "high", "low", "close")
SAME = base()
CONTRADICTIONS = (
    ("high below close", "high", "10.2", "10.2 below 10.3"),
    ("low above open", "low", "10.25", "10.25 above 10.2"),
    ("high below low", "high", "9.0", "9.0 below 10.3"),
)


def series(closes: Closes, **more: Sequence[str]) -> Write:
    """Closes (and other columns) on sessions from 2015 on, of AAPL."""
    days = sessions_from("2015-01-02", len(closes))
    return csv(text_of(close_rows(days, closes, **more)))


def scaled(closes: np.ndarray, factor: float, start: int, stop: int | None = None) -> np.ndarray:
    """The closes with rows start to stop times a factor."""
    out = closes.copy()
    out[start:stop] *= factor
    return np.round(out, 4)


def volumes(n: int, changes: dict[int, float] | None = None) -> list[str]:
    """Volumes of a million, less or more at some rows and after them."""
    volume = np.full(n, 1e6)
    for k, factor in (changes or {}).items():
        volume[k:] *= factor
    return [f"{v:.0f}" for v in volume]


def split(ratio: float, *, n: int = 120, at: int = 80, volume: bool = True) -> Write:
    """A split of `ratio` new shares for one that nobody adjusted for: closes, and volumes."""
    closes = scaled(walk(n, sd=0.005), 1 / ratio, at)
    more = {"volume": volumes(n, {at: ratio})} if volume else {}
    return series(closes, **more)


def opened_split(ratio: float) -> Write:
    """The same with the opens: the night makes the move."""
    closes = scaled(walk(120, sd=0.005), 1 / ratio, 80)
    opened = np.append(closes[0], closes[:-1])
    opened[80] /= ratio
    opens = [f"{price:.4f}" for price in opened]
    return series(closes, volume=volumes(120, {80: ratio}), open=opens)


def tick(factor: float, n_rows: int = 1) -> Write:
    """Closes of which some are so many times too high, or too low."""
    return series(scaled(WALK, factor, 80, 80 + n_rows))


def adjusted_split(folder: Path) -> list[str]:
    """A split with both closes: the adjusted one goes on."""
    smooth = walk(120, sd=0.005)
    raw = scaled(smooth, 2.0, 0, 80)
    return series(raw, adj_close=[f"{c:.4f}" for c in smooth])(folder)


def split_table(folder: Path) -> list[str]:
    (folder / "splits.csv").write_text(f"symbol,date,ratio\nAAPL,{DAY_80},2\n")
    return split(2.0)(folder)


def halt(n_flat: int, *, n_after: int = 20) -> Write:
    """Forty trading rows, n_flat rows flat without volume, and n_after trading ones."""
    before, after = walk(40), walk(n_after, seed=1)
    closes = np.concatenate([before, np.full(n_flat, before[-1]), after])
    traded = [*["1000"] * 40, *["0"] * n_flat, *["1000"] * n_after]
    return series(closes, volume=traded)


def zeros(*rows: int) -> Write:
    return cells(*((k, name, "0") for k in rows for name in PRICES))


def panel(**closes: np.ndarray) -> Write:
    """Symbols side by side in one long file, on sessions from 2015 on."""
    rows: list[Row] = []
    for symbol, values in closes.items():
        days = sessions_from("2015-01-02", len(values))
        rows += with_symbol(close_rows(days, values), symbol)
    return csv(text_of(rows), name="prices.csv")


def in_currency(*codes: str) -> Write:
    rows = [row | {"currency": code} for row, code in zip(SAME, codes, strict=True)]
    return csv(text_of(rows))


def reuse(folder: Path) -> list[str]:
    """A name that another company took over after a year, at seven times the price."""
    days = sessions_from("2010-01-04", 600)
    rows = close_rows(days[:250], walk(250)) + close_rows(days[500:], 8 * walk(100, seed=3))
    return csv(text_of(rows))(folder)


def reused_at() -> str:
    return sessions_from("2010-01-04", 501)[-1]


DAY_80 = sessions_from("2015-01-02", 81)[-1]
WALK = walk(120, sd=0.005)
SPIKE = scaled(WALK, 1.25, 100, 101)
OTHER = walk(300, seed=9)

VALUE_CASES = (
    *(
        Case(number=54, title=f"close {text}", write=cells((4, "close", text)), codes={"E54": 1, "W52": 1}, row=6, column="close", session="2019-03-08", found=text, fix='data.nonpositive = "drop"', kept=GONE)
        for text in ("-12.5", "0.0")
    ),
    Case(number=54, title="dropped", write=cells((4, "close", "-12.5")), data={"nonpositive": "drop"}, codes={"P54": 1, "W52": 1}, kept=GONE),
    *(
        Case(number=55, title=title, write=cells((4, column, text)), codes={"P55": 1}, row=6, column=column, session="2019-03-08", found=found)
        for title, column, text, found in CONTRADICTIONS
    ),
    *(
        Case(number=55, title=f"{title}, refused", write=cells((4, column, text)), data={"ranges": "refuse"}, codes={"E55": 1, "W52": 1}, row=6, column=column, found=found, fix='data.ranges = "widen"', kept=GONE)
        for title, column, text, found in CONTRADICTIONS
    ),
    *(
        Case(number=55, title=f"{column} {text}, beyond all reason", write=cells((4, column, text)), codes={"W55": 1}, row=6, column=blamed, found="beside a close of 10.3")
        for column, text, blamed in (("open", "1020", "high"), ("high", "5", "high"), ("low", "20.6", "low"), ("open", "0.102", "low"))
    ),
    Case(number=55, title="a sound range and one beyond all reason, refused", write=cells((4, "open", "1020")), data={"ranges": "refuse"}, codes={"E55": 1, "W52": 1}, column="high", fix='data.ranges = "widen"', kept=GONE),
    Case(number=55, title="high below close by rounding", write=cells((4, "high", "10.299999")), codes={"R55": 1}),
    Case(number=55, title="low above open by rounding", write=cells((4, "low", "10.200001")), codes={"R55": 1}),
    Case(number=56, title="all four prices 0", write=zeros(4), codes={"W56": 1, "W52": 1}, row=6, session="2019-03-08", kept=GONE),
    Case(number=56, title="six such rows", write=zeros(2, 3, 4, 5, 6, 7), codes={"E52": 1, "W56": 6}, kept=(0, 1, 8, 9)),
    Case(number=57, title="no close in the newest bar", write=cells((9, "close", "")), codes={"W57": 1}, row=11, session="2019-03-15", found="no close", kept=range(9)),
    Case(number=57, title="a dividend-only row at the end", write=cells(*((9, name, "") for name in (*PRICES, "volume"))), codes={"W57": 1}, kept=range(9)),
    Case(number=58, title="no close amid the history", write=cells((4, "close", "")), codes={"W58": 1, "W52": 1}, row=6, session="2019-03-08", kept=GONE),
    *(
        Case(number=58, title=f"no {name} amid the history", write=cells((4, name, "")), codes={"W58": 1}, row=6, column=name, session="2019-03-08", found=f"no {name}")
        for name in ("open", "high", "low", "volume")
    ),
    *(
        Case(number=58, title=f"{name} {text}", write=cells((4, name, text)), codes={"W58": 1}, row=6, column=name, session="2019-03-08", found=f"no {name} above 0")
        for name, text in (("open", "-1.0"), ("open", "0"), ("low", "0.0"), ("high", "-0.5"))
    ),
    Case(number=58, title="a close alone in the newest bar", write=cells(*((9, name, "") for name in (*PRICES[:3], "volume"))), codes={"W58": 1}, row=11, found="no open, high, low, volume"),
    Case(number=58, title="closes alone at first", write=cells(*((k, name, "0") for k in range(5) for name in PRICES[:3])), codes={"W58": 5}, row=2, found="no open, high, low above 0"),
    Case(number=58, title="a column without any value", write=cells(*((k, "volume", "") for k in range(10))), codes={"W58": 10}, column="volume"),
    Case(number=58, title="no close in any row", write=cells(*((k, "close", "") for k in range(10))), codes={"E58": 1}, symbol="AAPL", found="no complete bar", kept=()),
    Case(number=58, title="filled forward", write=cells((4, "close", "")), data={"fill": "ffill:1"}, codes={"P58": 1}, closes=[*CLOSES[:4], CLOSES[3], *CLOSES[5:]]),
    Case(number=58, title="two in a row, one filled", write=cells((4, "close", ""), (5, "close", "")), data={"fill": "ffill:1"}, codes={"P58": 1, "W58": 1, "W52": 1}, kept=(0, 1, 2, 3, 4, 6, 7, 8, 9), closes=[*CLOSES[:4], CLOSES[3], *CLOSES[5:]]),
    Case(number=58, title="two in a row, both filled", write=cells((4, "close", ""), (5, "close", "")), data={"fill": "ffill:2"}, codes={"P58": 2}, closes=[*CLOSES[:4], CLOSES[3], CLOSES[3], *CLOSES[6:]]),
    *(
        Case(number=59, title=f"split of {ratio:g}", write=split(ratio), codes={"E59": 1, "W64": 1, **CLOSE_ONLY}, symbol="AAPL", session=DAY_80, fix="data.splits", kept=None)
        for ratio in (2.0, 3.0, 4.0, 7.0, 10.0, 12.0, 20.0, 0.5, 0.1, 1 / 12, 0.04, 1 / 30, 1 / 150, 0.001)
    ),
    Case(number=59, title="split of 1.5", write=opened_split(1.5), codes={"E59": 1, "W64": 1, **CLOSE_ONLY}, session=DAY_80, fix="data.not_a_split", kept=None),
    Case(number=59, title="closes that fall by a third", write=split(1.5), codes={"W64": 1, **CLOSE_ONLY}, session=DAY_80, kept=None),
    Case(number=59, title="a fall like a split's in a wild symbol", write=series(scaled(walk(120, sd=0.1), 0.5, 80)), codes={"W59": 1, **CLOSE_ONLY}, symbol="AAPL", kept=None),
    Case(number=59, title="split without volume", write=split(2.0, volume=False), codes={"E59": 1, "W64": 1, **CLOSE_ONLY}, session=DAY_80, kept=None),
    Case(number=59, title="no split", write=split(2.0), data={"not_a_split": (f"AAPL {DAY_80}",)}, codes={**CLOSE_ONLY, "W64": 1}, kept=None),
    Case(number=59, title="no split, though twelve-fold", write=split(1 / 12), data={"not_a_split": (f"AAPL {DAY_80}",)}, codes={**CLOSE_ONLY, "W64": 1}, kept=None),
    Case(number=59, title="split that the adjusted close knows", write=adjusted_split, codes={"R59": 1, "W26": 1, **CLOSE_ONLY}, session=DAY_80, kept=None),
    Case(number=61, title="pence amid pounds", write=series(scaled(WALK, 100, 60, 63)), codes={"E61": 1, **CLOSE_ONLY}, symbol="AAPL", found="100", kept=None),
    Case(number=61, title="pounds become pence", write=series(scaled(WALK, 100, 60)), codes={"E61": 1, **CLOSE_ONLY}, symbol="AAPL", kept=None),
    Case(number=61, title="pence become pounds", write=series(scaled(100 * WALK, 0.01, 60)), codes={"E61": 1, **CLOSE_ONLY}, symbol="AAPL", kept=None),
    Case(number=62, title="one currency", write=in_currency(*["USD"] * 10)),
    Case(number=62, title="a change of currency", write=in_currency(*["GBP"] * 5, *["EUR"] * 5), codes={"E62": 1}, symbol="AAPL", found="GBP", kept=None),
    Case(number=62, title="GBp and GBP", write=in_currency(*["GBp", "GBP"] * 5), codes={"E62": 1}, found="GBp", kept=None),
    Case(number=63, title="four flat rows", write=halt(4), codes=CLOSE_ONLY, kept=None),
    Case(number=63, title="twelve flat rows", write=halt(12), codes={"W63": 8, **CLOSE_ONLY}, symbol="AAPL", kept=None),
    Case(number=63, title="seventy flat rows", write=halt(70), codes={"W63": 66, **CLOSE_ONLY}, kept=None),
    Case(number=64, title="a spike", write=series(SPIKE), codes={"W64": 2, **CLOSE_ONLY}, symbol="AAPL", kept=None),
    Case(number=64, title="a ten-fold tick", write=tick(10.0), codes={"W64": 2, **CLOSE_ONLY}, symbol="AAPL", session=DAY_80, fix='data.spikes = "clip"', kept=None),
    Case(number=64, title="a ten-fold tick of two days", write=tick(10.3, 2), codes={"W64": 2, **CLOSE_ONLY}, session=DAY_80, kept=None),
    Case(number=64, title="a tenth for a day", write=tick(0.1), codes={"W64": 2, **CLOSE_ONLY}, session=DAY_80, kept=None),
    Case(number=64, title="a ten-fold tick, clipped", write=tick(10.0), data={"spikes": "clip"}, codes={"P64": 2, **CLOSE_ONLY}, kept=None),
    Case(number=64, title="a spike, clipped", write=series(SPIKE), data={"spikes": "clip"}, codes={"P64": 1, **CLOSE_ONLY}, kept=None),
    Case(number=65, title="constant close", write=series(np.full(30, 12.5)), codes={"E65": 1, **CLOSE_ONLY}, symbol="AAPL", kept=None),
    Case(number=67, title="a name taken over", write=reuse, data={"gaps": "split"}, codes={"W67": 1, "P52": 1, **CLOSE_ONLY}, symbol="AAPL", session=reused_at(), kept=None),
    Case(number=67, title="a name taken over, from then on", write=reuse, data={"since": {"AAPL": reused_at()}}, codes=CLOSE_ONLY, kept=None),
    Case(number=68, title="everybody alive at the end", write=csv(text_of(SAME)), codes={"W68": 1}),
    Case(number=69, title="one series, two names", write=panel(AAA=OTHER, BBB=OTHER), codes={"E69": 1, **CLOSE_ONLY}, found="AAA", symbols=("AAA", "BBB"), kept=None),
    Case(number=69, title="one series, two scales", write=panel(AAA=OTHER, BBB=4 * OTHER), codes={"E69": 1, **CLOSE_ONLY}, found="BBB", symbols=("AAA", "BBB"), kept=None),
    Case(number=69, title="two series", write=panel(AAA=OTHER, BBB=walk(300, seed=8)), codes=CLOSE_ONLY, symbols=("AAA", "BBB"), kept=None),
    Case(number=70, title="two exchanges", write=csv(text_of(with_symbol(SAME, "AAPL") + with_symbol(SAME, "VOD.L")), name="prices.csv"), symbols=("AAPL", "VOD.L")),
)  # fmt: skip
