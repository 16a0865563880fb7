"""What each part of the hybrid is worth, and what calibration did."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from nextclose.evaluation.breakdowns.ablation import GARCH, Ablation, Variant
from nextclose.evaluation.breakdowns.news import NewsWorth
from nextclose.formatting import (
    NOTHING,
    number,
    sessions,
    share,
    share_interval,
    yes_or_no,
)
from nextclose.report.elements import (
    Bar,
    BarChart,
    Cell,
    Column,
    ReportTable,
    TableRow,
    columns_named,
)

N_FEATURES = 10
VARIANTS = {  # how a variant that is not "without NAME" is called for people
    GARCH: "Only garch",
}


def importance_charts(importance: pl.DataFrame) -> tuple[BarChart, ...]:
    """The features that moved the trees' forecasts most, `N_FEATURES` by horizon.

    Expects: horizon_sessions, feature, share (of one horizon's whole).
    """
    charts = []
    for horizon, rows in _by_horizon(importance):
        top = rows.sort("share", "feature", descending=[True, False]).head(N_FEATURES)
        bars = tuple(
            Bar(name=name, share=part, text=share(part, decimals=0))
            for name, part in top.select("feature", "share").iter_rows()
        )
        n_rest, rest = len(rows) - len(top), 1.0 - float(top["share"].to_numpy().sum())
        charts.append(
            BarChart(
                caption=f"{sessions(horizon)} ahead",
                bars=bars,
                full=bars[0].share,
                note=f"{n_rest} others: {share(rest, decimals=0)} together." if n_rest else "",
            )
        )
    return tuple(charts)


def variant_table(ablation: Sequence[Ablation]) -> ReportTable:
    """What the hybrid gains over each of its variants, a row per variant; last, over garch."""
    variants = [
        {v.name: v for v in (*part.variants, part.garch) if v is not None} for part in ablation
    ]
    names = {name for by_name in variants for name in by_name}
    order = sorted(names - set(VARIANTS)) + [name for name in VARIANTS if name in names]
    return ReportTable(
        caption="How much better the ranges of the hybrid are than …",
        columns=(
            Column(title="… those of this variant", fields=("variant",)),
            *(column for part in ablation for column in _gain_columns(part.horizon_sessions)),
        ),
        rows=tuple(
            TableRow(
                name=VARIANTS.get(name, name.capitalize() if name.islower() else name),
                cells=tuple(
                    cell for by_name in variants for cell in _gain_cells(by_name.get(name))
                ),
            )
            for name in order
        ),
    )


def _gain_columns(horizon: int) -> tuple[Column, Column]:
    return (
        Column(title=sessions(horizon), fields=(f"gain_{horizon}",)),
        Column(
            title="95% interval",
            fields=(f"gain_{horizon}_low", f"gain_{horizon}_high"),
            term="interval",
        ),
    )


def _gain_cells(variant: Variant | None) -> tuple[Cell, Cell]:
    if variant is None:
        return Cell(text=NOTHING), Cell(text=NOTHING)
    low, high = variant.interval or (0.0, 0.0)
    look = "good" if low > 0 else "bad" if high < 0 else ""
    interval = share_interval(variant.interval, decimals=2, signed=True)
    return (
        Cell(
            text=share(variant.crps_skill, decimals=2, signed=True),
            look=look,
            values=(variant.crps_skill,),
        ),
        Cell(text=interval, look="beside", values=variant.interval or (None, None)),
    )


def news_table(parts: Sequence[NewsWorth]) -> ReportTable:
    """CRPS of the leading model with and without news, a row per horizon."""
    rows = []
    for part in parts:
        losses = (part.crps_with, part.crps_without)
        with_without = (Cell(text=share(loss, decimals=3), values=(loss,)) for loss in losses)
        cells = (*with_without, *_gain_cells(part.gain))
        rows.append(TableRow(name=sessions(part.horizon_sessions), cells=cells))
    return ReportTable(
        caption="CRPS with news and without, in log return",
        columns=(
            Column(title="Ahead", term="horizon"),
            *columns_named("With", "Without", "Gain"),
            Column(title="95% interval", fields=("gain_low", "gain_high"), term="interval"),
        ),
        rows=tuple(rows),
    )


def calibration_table(ablation: Sequence[Ablation]) -> ReportTable:
    """Coverage, width and CRPS of the hybrid before and after its ranges were calibrated."""
    rows = []
    for part in ablation:
        if (cost := part.calibration) is None:
            continue
        texts = (
            share(cost.coverage_90_raw),
            share(cost.coverage_90_issued),
            number(cost.width_90_raw_pct, decimals=2, unit="%"),
            number(cost.width_90_issued_pct, decimals=2, unit="%"),
            number(cost.width_ratio, decimals=3, unit=" \N{MULTIPLICATION SIGN}"),
            share(cost.crps_cost, decimals=2, signed=True),
            yes_or_no(part.raw_in_confidence_set),
        )
        cells = tuple(Cell(text=text) for text in texts)
        rows.append(TableRow(name=sessions(part.horizon_sessions), cells=cells))
    return ReportTable(
        caption="Its 90% range before and after calibration",
        columns=columns_named(
            *("Ahead", "Held, before", "Held, after", "Width, before", "Width, after"),
            *("Width ratio", "Change of CRPS", "May be best, before"),
        ),
        rows=tuple(rows),
    )


def _by_horizon(frame: pl.DataFrame) -> list[tuple[int, pl.DataFrame]]:
    if frame.is_empty():
        return []
    parts = frame.sort("horizon_sessions").partition_by("horizon_sessions", as_dict=True)
    return [(int(horizon), rows) for (horizon,), rows in parts.items()]
