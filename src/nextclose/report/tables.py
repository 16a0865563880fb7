"""Verdicts, findings and the tutorial's numbers in words: what the template prints."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from nextclose.evaluation.evidence import POOLED
from nextclose.evaluation.verdict import VerdictRow
from nextclose.report.wording import (
    NOTHING,
    WORDS,
    between,
    chance,
    file_name,
    number,
    points,
    sessions,
    share,
    shown_of,
    spread,
)
from nextclose.schema import Finding

MAX_SYMBOL_ROWS = 180
MAX_FINDINGS = 60
MAX_NAMED = 3  # symbols; more are only counted
# metric of the tutorial -> (name, decimals, factor, unit)
TUTORIAL_METRICS = {
    "mse": ("Mean squared error, price²", 3, 1.0, ""),
    "mae": ("Mean absolute error, price", 3, 1.0, ""),
    "mape_pct": ("Mean absolute percentage error", 2, 1.0, "%"),
    "r2": ("R² of the price level", 3, 1.0, ""),
    "consecutive_direction": (
        "Direction the tutorial\N{RIGHT SINGLE QUOTATION MARK}s way",
        1,
        100.0,
        "%",
    ),
    "direction": ("Direction against the last close", 1, 100.0, "%"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One figure, what stands beside it, and a style class."""

    text: str
    beside: str = ""
    look: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table; `model` gives it that model's colour."""

    name: str
    cells: tuple[Cell, ...]
    model: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table: titles of its columns, those of them that hold words, and its rows."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]
    text: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A key figure with what it has to be compared with."""

    label: str
    value: str
    beside: tuple[str, ...]  # lines; an empty one is left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The verdict at one horizon: word, sentence and key figures."""

    horizon: str
    word: str
    look: str
    sentence: str
    facts: tuple[Fact, ...]


def cards(verdicts: Iterable[VerdictRow], *, headline: str) -> tuple[Card, ...]:
    """The headline's pooled verdict at each horizon, rising."""
    rows = [v for v in verdicts if v.symbol == POOLED and v.model == headline]
    return tuple(_card(row) for row in sorted(rows, key=lambda v: v.horizon_sessions))


def _card(v: VerdictRow) -> Card:
    text, look = WORDS[v.verdict]
    facts = (
        Fact(
            label="Error against “no change”",
            value=number(v.relative_mae, decimals=3, unit=" \N{MULTIPLICATION SIGN}"),
            beside=(
                f"{number(v.mape_pct, decimals=2, unit='%')} of price; "
                f"no change {number(v.naive_mape_pct, decimals=2, unit='%')}",
                spread(v.relative_mae_interval, percent=False),
            ),
        ),
        Fact(
            label="Range skill against history",
            value=share(v.crps_skill_vs_hs, signed=True),
            beside=(
                f"CRPS, against {v.hs_reference or 'historical ranges'}",
                spread(v.crps_skill_interval, percent=True),
            ),
        ),
        Fact(
            label="The 90% range held",
            value=share(v.coverage_90),
            beside=(
                f"Of {v.forecasts:,} outcomes",
                f"Mean width {number(v.width_90_pct, decimals=1, unit='%')} of price",
            ),
        ),
    )
    return Card(
        horizon=sessions(v.horizon_sessions), word=text, look=look, sentence=v.sentence, facts=facts
    )


SCORES = (
    "Verdict",
    "Error ÷ no change",
    "% error, no change",
    "Range skill",
    "95% interval",
    "% right, base rate",
    "90% range held",
    "Mean width",
    "p",
)


def scoreboard(verdicts: Iterable[VerdictRow], *, models: Sequence[str]) -> tuple[Grid, ...]:
    """Pooled scores, one table per horizon; models in the given order, the first stands out."""
    known = [v for v in verdicts if v.model in models]
    pooled = [v for v in known if v.symbol == POOLED]
    grids = []
    for h in sorted({v.horizon_sessions for v in pooled}):
        rows = sorted(
            (v for v in pooled if v.horizon_sessions == h), key=lambda v: models.index(v.model)
        )
        most = max(rows, key=lambda v: v.forecasts)
        grids.append(
            Grid(
                caption=f"{sessions(h)} ahead: {most.forecasts:,} forecasts from {most.origins:,} "
                f"origins, about {most.independent:,.0f} of them independent",
                head=("Model", *SCORES),
                rows=tuple(
                    Row(name=v.model, cells=_scores(v), model=v.model, strong=v.model == models[0])
                    for v in rows
                ),
                text=("Verdict",),
                note=_fewer(rows, [v for v in known if v.horizon_sessions == h]),
            )
        )
    return tuple(grids)


def _fewer(pooled: Sequence[VerdictRow], rows: Sequence[VerdictRow]) -> str:
    """Which models of a table were scored on fewer forecasts than its caption says, and on which.

    Expects: `pooled` in the order of the table; `rows` of that horizon, single symbols among them.
    """
    symbols = {
        v.model: sorted(w.symbol for w in rows if w.model == v.model and w.symbol != POOLED)
        for v in pooled
    }
    most = max(v.forecasts for v in pooled)
    widest = max(len(found) for found in symbols.values())

    def scored(v: VerdictRow) -> str:
        found = symbols[v.model]
        names = ", ".join(found) if len(found) <= MAX_NAMED else f"{len(found)} symbols"
        origins = f" from {v.origins:,} origins" if v.origins < v.forecasts else ""
        return f"{v.forecasts:,} forecasts{origins}" + (f", {names}" if len(found) < widest else "")

    fewer = [v for v in pooled if v.forecasts < most]
    parts = [
        f"{', '.join(v.model for v in group)} on {text}"
        for text, group in ((t, list(g)) for t, g in itertools.groupby(fewer, key=scored))
    ]
    return f"Scored on fewer forecasts: {'; '.join(parts)}." if parts else ""


def by_symbol(verdicts: Iterable[VerdictRow], *, headline: str) -> Grid:
    """The headline's scores for each symbol and horizon, at most `MAX_SYMBOL_ROWS`."""
    rows = sorted(
        (v for v in verdicts if v.symbol != POOLED and v.model == headline),
        key=lambda v: (v.horizon_sessions, v.symbol),
    )
    shown = rows[:MAX_SYMBOL_ROWS]
    return Grid(
        caption="Each symbol on its own: far fewer forecasts, far more luck",
        head=("Symbol", "Ahead", *SCORES),
        rows=tuple(
            Row(name=v.symbol, cells=(Cell(text=str(v.horizon_sessions)), *_scores(v)))
            for v in shown
        ),
        text=("Verdict",),
        note=shown_of(len(rows), len(shown), "rows; verdict.json has them all"),
    )


def _scores(v: VerdictRow) -> tuple[Cell, ...]:
    text, look = WORDS[v.verdict]
    # a yardstick's own figure is against the other one: not comparable down the column
    is_measured = v.verdict != "YARDSTICK"
    skill, interval = (v.crps_skill_vs_hs, v.crps_skill_interval) if is_measured else (None, None)
    return (
        Cell(text=text, look=f"text {look}".strip()),
        Cell(text=number(v.relative_mae, decimals=3)),
        _pair(number(v.mape_pct, decimals=2), number(v.naive_mape_pct, decimals=2)),
        Cell(text=share(skill, signed=True)),
        Cell(text=between(interval, percent=True) or NOTHING, look="beside"),
        _pair(points(v.hit_rate), points(v.base_rate)),
        Cell(text=share(v.coverage_90)),
        Cell(text=number(v.width_90_pct, decimals=1, unit="%")),
        Cell(text=chance(v.p_value)),
    )


def _pair(text: str, beside: str) -> Cell:
    """A figure and its yardstick; without the figure the yardstick says nothing."""
    return Cell(text=text, beside="" if text == NOTHING else beside)


def tutorial(frame: pl.DataFrame) -> Grid:
    """The tutorial's numbers for its network and for no change, one row per metric there is."""
    horizons = frame["horizon_sessions"].unique().sort().to_list()
    present = set(frame["metric"])
    rows = []
    for metric, (name, decimals, factor, unit) in TUTORIAL_METRICS.items():
        if metric not in present:
            continue
        cells = []
        for h in horizons:
            found = frame.filter(
                (pl.col("metric") == metric) & (pl.col("horizon_sessions") == h)
            ).select("classic", "naive")
            pair = found.row(0) if len(found) else (None, None)
            texts = [
                number(None if x is None else factor * x, decimals=decimals, unit=unit)
                for x in pair
            ]
            cells += [Cell(text=texts[0]), Cell(text=texts[1], look="beside")]
        rows.append(Row(name=name, cells=tuple(cells)))
    head = [text for h in horizons for text in (f"{sessions(h)}: network", "no change")]
    return Grid(
        caption="Tutorial network, and beside it the forecast that repeats the last close",
        head=("Metric", *head),
        rows=tuple(rows),
    )


def findings(found: Sequence[Finding]) -> Grid:
    """Findings by code, one line each, at most `MAX_FINDINGS`; file names without folders."""
    ordered = sorted(found, key=lambda f: (f.number, f.response))
    shown = ordered[:MAX_FINDINGS]
    return Grid(
        caption="Findings in the input",
        head=("Code", "Places", "What, where and why"),
        rows=tuple(_finding(f) for f in shown),
        text=("What, where and why",),
        note=shown_of(len(ordered), len(shown), "findings"),
    )


def _finding(f: Finding) -> Row:
    text = replace(f, path=file_name(f.path)).line().removeprefix(f.code).strip()
    return Row(name=f.code, cells=(Cell(text=f"{f.count:,}"), Cell(text=text, look="words")))


def left_out(reasons: Mapping[str, str]) -> Grid:
    """Symbols that were not forecast, and why, at most `MAX_FINDINGS`."""
    shown = sorted(reasons.items())[:MAX_FINDINGS]
    return Grid(
        caption="Symbols left out",
        head=("Symbol", "Why"),
        rows=tuple(Row(name=s, cells=(Cell(text=why, look="words"),)) for s, why in shown),
        text=("Why",),
        note=shown_of(len(reasons), len(shown), "symbols left out"),
    )
