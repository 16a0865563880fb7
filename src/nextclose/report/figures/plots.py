"""What each picture shows; `drawing.py` prints it. One horizon each: pages reflow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from nextclose.formatting import axis_share, number, share
from nextclose.report.figures.axes import set_date_ticks, set_symmetric_limits, thin_labels
from nextclose.report.figures.drawing import DASHED, Drawing, empty_figure, write_axis_title
from nextclose.report.figures.palette import Inks

PERCENT = FuncFormatter(lambda fraction, _: axis_share(fraction))
Z_95 = 1.959964  # two-sided 95% interval of a normal distribution, in standard errors
# figure of a slice -> (what it is called, its value where nothing is gained)
SLICE_FIGURES = {
    "relative_mae": ("Error ÷ error of no change", 1.0),
    "crps_skill_vs_hs": ("Range skill against history", 0.0),
    "crps_skill_vs_garch": ("Range skill against garch", 0.0),
}
LOSS_TITLES = {"trees": "Loss by tree", "lstm": "CRPS by round"}  # of their trainings


def actual_and_predicted(forecasts: pl.DataFrame, *, model: str) -> Drawing:
    """Actual, predicted and naive by resolved session: in price above, in return below.

    Expects: rows of one symbol, horizon and model whose target is known, oldest first.
    """
    when = forecasts["resolved"].to_numpy()
    naive = forecasts["close"].to_numpy()
    actual = forecasts["target"].to_numpy()
    median = forecasts["q0.500"].to_numpy()
    low, high = forecasts["q0.050"].to_numpy(), forecasts["q0.950"].to_numpy()

    def draw(inks: Inks) -> Figure:
        figure, (price, move) = empty_figure(inks, n_rows=2)
        ink, soft = inks.roles["ink"], inks.models.get("naive", inks.roles["ink-3"])
        colour = inks.models[model]
        price.plot(when, naive * np.exp(actual), color=ink, linewidth=1.0, label="actual")
        price.plot(when, naive * np.exp(median), color=colour, linewidth=1.0, label=model)
        price.plot(when, naive, color=soft, linewidth=0.9, linestyle=DASHED, label="no change")
        write_axis_title(price, "Price", inks)
        if (high > low).any():
            move.fill_between(when, low, high, color=colour, alpha=0.16, linewidth=0)
        move.plot(when, actual, color=ink, linewidth=0.7)
        move.plot(when, median, color=colour, linewidth=1.2)
        move.axhline(0.0, color=soft, linewidth=0.9, linestyle=DASHED)
        move.yaxis.set_major_formatter(PERCENT)
        write_axis_title(move, "Return since the origin", inks)
        set_date_ticks(move)
        return figure

    return draw


def coverage_by_level(frame: pl.DataFrame, *, models: Sequence[str]) -> Drawing:
    """Share of outcomes inside each range minus the promise; shaded: the first model's interval."""
    first = frame.filter(pl.col("model") == models[0]).sort("nominal").drop_nulls()

    def draw(inks: Inks) -> Figure:
        figure, (panel,) = empty_figure(inks)
        reach = Z_95 * first["standard_error"].to_numpy()
        panel.fill_between(
            first["nominal"].to_numpy(),
            (first["realised"] - first["nominal"]).to_numpy() - reach,
            (first["realised"] - first["nominal"]).to_numpy() + reach,
            color=inks.models[models[0]],
            alpha=0.14,
            linewidth=0,
            label="95% interval",
        )
        panel.axhline(0.0, color=inks.roles["ink-2"], linewidth=0.8)
        for model in models:
            rows = frame.filter(pl.col("model") == model).sort("nominal")
            strong = model == models[0]
            panel.plot(
                rows["nominal"].to_numpy(),
                (rows["realised"] - rows["nominal"]).to_numpy(),
                color=inks.models[model],
                linewidth=1.8 if strong else 1.0,
                marker="o",
                markersize=3.2 if strong else 2.0,
                zorder=3 if strong else 2,
                label=model,
            )
        panel.xaxis.set_major_formatter(PERCENT)
        panel.set_xticks([0.1, 0.3, 0.5, 0.7, 0.9])
        panel.margins(x=0.03)
        set_symmetric_limits(panel, centre=0.0, least=0.03)
        panel.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        panel.yaxis.set_major_formatter(
            FuncFormatter(lambda y, _: share(y, decimals=0, signed=True, unit=""))
        )
        write_axis_title(panel, "Held minus promised, percentage points", inks)
        return figure

    return draw


def coverage_over_time(frame: pl.DataFrame, *, models: Sequence[str]) -> Drawing:
    """Rolling coverage of the 90% range by origin, with the promise as a line."""

    def draw(inks: Inks) -> Figure:
        figure, (panel,) = empty_figure(inks)
        for model in reversed(models):
            rows = frame.filter(pl.col("model") == model).sort("origin")
            width = 1.5 if model == models[0] else 0.9
            panel.plot(
                rows["origin"].to_numpy(),
                rows["coverage_90"].to_numpy(),
                color=inks.models[model],
                linewidth=width,
                label=model,
            )
        panel.axhline(0.9, color=inks.roles["ink-2"], linewidth=0.8)
        panel.yaxis.set_major_formatter(PERCENT)
        panel.set_ylim(top=1.005)
        write_axis_title(panel, "Share inside the 90% range", inks)
        set_date_ticks(panel)
        return figure

    return draw


def pit(frame: pl.DataFrame, *, model: str) -> Drawing:
    """Where outcomes fell in the forecast: share per bin, flat if the ranges are right."""
    frame = frame.sort("low")
    shares = (frame["count"] / frame["count"].sum()).to_numpy()

    def draw(inks: Inks) -> Figure:
        figure, (panel,) = empty_figure(inks)
        middles = ((frame["low"] + frame["high"]) / 2).to_numpy()
        panel.bar(middles, shares, width=0.84 / len(shares), color=inks.models[model], alpha=0.75)
        panel.axhline(1 / len(shares), color=inks.roles["ink-2"], linewidth=0.8)
        panel.xaxis.set_major_formatter(PERCENT)
        panel.yaxis.set_major_formatter(PERCENT)
        panel.yaxis.set_major_locator(MaxNLocator(4))
        write_axis_title(panel, "Share of outcomes", inks)
        return figure

    return draw


def gains_by_slice(frame: pl.DataFrame, *, models: Sequence[str]) -> Drawing:
    """Error against no change, and range skill against history and garch, per label of one slice.

    The panel of garch is left out where no model was measured against it.
    """
    labels = frame["slice"].unique(maintain_order=True).to_list()
    place = {label: i for i, label in enumerate(labels)}
    rows_of_models = frame.filter(pl.col("model").is_in(models))
    panels_of = {
        column: (title, base)
        for column, (title, base) in SLICE_FIGURES.items()
        if column in frame.columns and (base == 1.0 or rows_of_models[column].is_not_null().any())
    }

    def draw(inks: Inks) -> Figure:
        figure, panels = empty_figure(inks, n_rows=len(panels_of), row_inches=1.6)
        for panel, (column, (title, base)) in zip(panels, panels_of.items(), strict=True):
            panel.axhline(base, color=inks.roles["ink-2"], linewidth=0.8)
            for k, model in enumerate(models):
                rows = frame.filter(pl.col("model") == model)
                shift = 0.16 * (k - (len(models) - 1) / 2)
                x = np.array([place[label] for label in rows["slice"]]) + shift
                y = rows[column].cast(pl.Float64).to_numpy()
                colour = inks.models[model]
                panel.vlines(x, base, y, color=colour, linewidth=1.0, alpha=0.5)
                panel.plot(x, y, "o", color=colour, markersize=3.6, label=model)
            if base == 1.0:
                set_symmetric_limits(panel, centre=1.0, least=0.01)
                panel.yaxis.set_major_formatter(FuncFormatter(lambda y, _: number(y, decimals=3)))
            else:
                panel.yaxis.set_major_formatter(PERCENT)
            write_axis_title(panel, title, inks)
        panels[-1].set_xticks(range(len(labels)), [str(label) for label in labels])
        thin_labels(panels[-1], n_labels=len(labels))
        panels[-1].set_xlim(-0.6, len(labels) - 0.4)
        return figure

    return draw


def training_curves(frame: pl.DataFrame, *, model: str) -> Drawing:
    """Training and validation loss by epoch or tree, a line per seed; a dot: what was kept."""

    def draw(inks: Inks) -> Figure:
        figure, (panel,) = empty_figure(inks, row_inches=1.7)
        for key, rows in frame.sort("seed", "epoch").group_by("seed", maintain_order=True):
            first = key == (frame["seed"].min(),)
            epochs = rows["epoch"].to_numpy()
            panel.plot(
                epochs,
                rows["train"].to_numpy(),
                color=inks.roles["ink-3"],
                linewidth=0.8,
                label="training" if first else None,
            )
            panel.plot(
                epochs,
                rows["valid"].to_numpy(),
                color=inks.models[model],
                linewidth=1.1,
                label="validation" if first else None,
            )
            kept = rows.filter(pl.col("kept"))
            panel.plot(
                kept["epoch"].to_numpy(),
                kept["valid"].to_numpy(),
                "o",
                color=inks.models[model],
                markersize=4,
                zorder=4,
                clip_on=False,  # epoch 0 stands on the edge
                label="weights kept" if first else None,
            )
        panel.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
        panel.yaxis.set_major_locator(MaxNLocator(4))
        write_axis_title(panel, LOSS_TITLES.get(model, "Loss by epoch"), inks)
        return figure

    return draw
