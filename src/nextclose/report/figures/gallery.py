"""Which pictures a report holds, in the order of its sections."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from nextclose.evaluation.verdict.decision import YARDSTICKS
from nextclose.formatting import sessions
from nextclose.report.content import ReportContent
from nextclose.report.figures import plots
from nextclose.report.figures.drawing import Drawing
from nextclose.report.figures.fan import range_fan
from nextclose.report.figures.palette import MODELS

N_OUTCOMES = 250  # outcomes in "actual against predicted": about a year
N_TRAININGS = 3  # pictures of training for each model, the last ones: a row
N_CALIBRATION_MODELS = 5  # more lines than these are a tangle
N_SLICE_MODELS = 3  # more dots than these are noise
# whom a picture sets beside the headline where it cannot show all: the first of these
RIVALS = (
    *("garch", "hybrid", "lstm", "trees", "loghar", "har"),
    *("ewma", "hs_250", "hs_expanding", "drift"),
)
# the measure itself, and an error that would dwarf the rest
NOT_IN_SLICES = {*YARDSTICKS, "classic"}
GAP_SESSIONS = 125  # between the origins of the still fans


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A drawing, where it stands, its caption there, and the title that says it all alone.

    `name` is unique, made of our own words and numbers only: it names the file.
    """

    section: str
    group: str
    name: str
    caption: str
    title: str
    draw: Drawing


def pictures(content: ReportContent) -> Iterator[Picture]:
    """All pictures for which there are data."""
    symbol = example_symbol(content)
    yield from _fan_pictures(content, symbol)
    yield from _outcome_pictures(content, symbol, model=content.headline, section="followed")
    for h in content.horizons:
        yield from _calibration_pictures(content, h)
    for h in content.horizons:
        yield from _slice_pictures(content, h)
    yield from _training_pictures(content)
    yield from _outcome_pictures(content, symbol, model="classic", section="tutorial")


def calibration_models(content: ReportContent) -> list[str]:
    """Models in the pictures of ranges, the headline first, at most `N_CALIBRATION_MODELS`."""
    models = set(content.coverage["model"]) if len(content.coverage) else set()
    return _headline_and_rivals(content, models)[:N_CALIBRATION_MODELS]


def slice_models(content: ReportContent) -> list[str]:
    """Models in the pictures by year and volatility: those that claim something."""
    models = set(content.by_year["model"]) if len(content.by_year) else set()
    return _headline_and_rivals(content, models - NOT_IN_SLICES)[:N_SLICE_MODELS]


def _headline_and_rivals(content: ReportContent, models: set[str]) -> list[str]:
    """These models: the headline, its first rival, the user's own, other rivals, then the rest."""
    own = [model for model in content.models if model not in MODELS]
    order = dict.fromkeys((content.headline, RIVALS[0], *own, *RIVALS, *content.models))
    return [model for model in order if model in models]


def example_symbol(content: ReportContent) -> str:
    """The symbol in the single-symbol pictures: the first by name with a known outcome, or ""."""
    rows = _rows_where(content.forecasts, model=content.headline)
    first = rows.filter(pl.col("target").is_not_null())["symbol"].min()
    return "" if first is None else str(first)


def _rows_with_outcome(content: ReportContent, symbol: str, *, model: str) -> pl.DataFrame:
    rows = _rows_where(content.forecasts, symbol=symbol, model=model)
    return rows.filter(pl.col("target").is_not_null()).sort("origin")


def _rows_where(frame: pl.DataFrame, **values: object) -> pl.DataFrame:
    """Rows where each named column has the value; a frame without columns has none."""
    if frame.is_empty():
        return frame
    return frame.filter(pl.col(name).eq(value) for name, value in values.items())


def _fan_pictures(content: ReportContent, symbol: str) -> Iterator[Picture]:
    """Three origins, about half a year apart, whose every range has been answered."""
    rows = _rows_with_outcome(content, symbol, model=content.headline)
    answered = rows.filter(pl.len().over("origin") == len(content.horizons))
    origins = answered["origin"].unique().sort()
    bars = _rows_where(content.bars, symbol=symbol).sort("session")
    for k in (2, 1, 0):
        if len(origins) <= k * GAP_SESSIONS:
            continue
        origin = origins[-1 - k * GAP_SESSIONS]
        issued = answered.filter(pl.col("origin") == origin).sort("horizon_sessions")
        yield Picture(
            section="prices",
            group="",
            name=f"fan-{3 - k}",
            caption=f"{symbol}, issued {origin}",
            title=f"{symbol}: 50, 80 and 90% ranges issued {origin}, and what happened",
            draw=range_fan(bars, issued, model=content.headline),
        )


def _outcome_pictures(
    content: ReportContent, symbol: str, *, model: str, section: str
) -> Iterator[Picture]:
    known = _rows_with_outcome(content, symbol, model=model)
    for h in content.horizons:
        rows = _rows_where(known, horizon_sessions=h).tail(N_OUTCOMES)
        if len(rows):
            yield Picture(
                section=section,
                group="",
                name=f"{section}-{h}",
                caption=f"{symbol}, {sessions(h)} ahead",
                title=f"{symbol}, {sessions(h)} ahead: actual, predicted and no change",
                draw=plots.actual_and_predicted(rows, model=model),
            )


def _calibration_pictures(content: ReportContent, h: int) -> Iterator[Picture]:
    models = calibration_models(content)
    ahead = f"{sessions(h)} ahead"
    if len(rows := _rows_where(content.coverage, horizon_sessions=h)):
        yield Picture(
            section="calibration",
            group="Coverage by level",
            name=f"coverage-{h}",
            caption=ahead,
            title=f"Coverage by level, {ahead}",
            draw=plots.coverage_by_level(rows, models=models),
        )
    if len(rows := _rows_where(content.rolling, horizon_sessions=h)):
        yield Picture(
            section="calibration",
            group="The 90% range over time",
            name=f"coverage-over-time-{h}",
            caption=ahead,
            title=f"Coverage of the 90% range over time, {ahead}",
            draw=plots.coverage_over_time(rows, models=models),
        )
    if len(rows := _rows_where(content.pit, horizon_sessions=h, model=content.headline)):
        yield Picture(
            section="calibration",
            group=f"Where outcomes fell in the forecast of {content.headline} (PIT): flat is right",
            name=f"pit-{h}",
            caption=ahead,
            title=f"Where outcomes fell in the forecast (PIT), {ahead}",
            draw=plots.pit(rows, model=content.headline),
        )


def _slice_pictures(content: ReportContent, h: int) -> Iterator[Picture]:
    by = {
        "year": ("By year", content.by_year),
        "regime": ("By volatility at the origin", content.by_regime),
    }
    for kind, (title, frame) in by.items():
        rows = _rows_where(frame, horizon_sessions=h)
        if len(rows):
            yield Picture(
                section="slices",
                group=title,
                name=f"by-{kind}-{h}",
                caption=f"{sessions(h)} ahead",
                title=f"{title}, {sessions(h)} ahead",
                draw=plots.gains_by_slice(rows, models=slice_models(content)),
            )


def _training_pictures(content: ReportContent) -> Iterator[Picture]:
    frame = content.curves
    trained = set(frame["model"]) if len(frame) else set()
    for model in (name for name in content.models if name in trained):
        labels = _rows_where(frame, model=model)["label"].unique(maintain_order=True).to_list()
        for i, label in list(enumerate(labels))[-N_TRAININGS:]:
            yield Picture(
                section="training",
                group=model,
                name=f"training-{content.models.index(model)}-{i}",
                caption=label,
                title=f"Training of {model}, {label}",
                draw=plots.training_curves(
                    _rows_where(frame, model=model, label=label), model=model
                ),
            )
