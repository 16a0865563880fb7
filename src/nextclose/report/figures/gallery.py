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

N_FOLLOWED = 250  # outcomes in "actual against predicted": about a year
N_TRAINED = 3  # pictures of training for each model, the last ones: a row
N_RANGED = 5  # more lines than these are a tangle
N_SLICED = 3  # more dots than these are noise
# whom a picture sets beside the headline where it cannot show all: the first of these
RIVALS = ("garch", "lstm", "trees", "loghar", "har", "ewma", "hs_250", "hs_expanding", "drift")
UNSLICED = {*YARDSTICKS, "classic"}  # the measure itself, and an error that would dwarf the rest
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
    yield from _fans(content)
    for h in content.horizons:
        yield from _followed(content, h, model=content.headline, section="followed")
    for h in content.horizons:
        yield from _calibration(content, h)
    for h in content.horizons:
        yield from _slices(content, h)
    yield from _curves(content)
    for h in content.horizons:
        yield from _followed(content, h, model="classic", section="tutorial")


def ranged_models(content: ReportContent) -> list[str]:
    """Models in the pictures of ranges, the headline first, at most `N_RANGED`."""
    found = set(content.coverage["model"]) if len(content.coverage) else set()
    return _beside_headline(content, found)[:N_RANGED]


def sliced_models(content: ReportContent) -> list[str]:
    """Models in the pictures by year and volatility: those that claim something."""
    found = set(content.by_year["model"]) if len(content.by_year) else set()
    return _beside_headline(content, found - UNSLICED)[:N_SLICED]


def _beside_headline(content: ReportContent, found: set[str]) -> list[str]:
    """The models found, the headline first, then its rivals, then all others."""
    order = dict.fromkeys((content.headline, *RIVALS, *content.models))
    return [model for model in order if model in found]


def followed_symbol(content: ReportContent) -> str:
    """The symbol in the single-symbol pictures: the first by name with a known outcome, or ""."""
    known = _known(content, model=content.headline)
    return str(known["symbol"].sort()[0]) if len(known) else ""


def _known(content: ReportContent, *, model: str) -> pl.DataFrame:
    return content.forecasts.filter(
        (pl.col("model") == model) & pl.col("target").is_not_null()
    ).sort("origin")


def _at(frame: pl.DataFrame, **values: object) -> pl.DataFrame:
    """Rows where each named column has the value; a frame without columns has none."""
    if frame.is_empty():
        return frame
    return frame.filter(pl.col(name).eq(value) for name, value in values.items())


def _fans(content: ReportContent) -> Iterator[Picture]:
    """Three origins, about half a year apart, whose every range has been answered."""
    symbol = followed_symbol(content)
    rows = _known(content, model=content.headline).filter(pl.col("symbol") == symbol)
    answered = rows.filter(pl.len().over("origin") == len(content.horizons))
    origins = answered["origin"].unique().sort()
    bars = _at(content.bars, symbol=symbol).sort("session")
    for k in (2, 1, 0):
        if len(origins) <= k * GAP_SESSIONS:
            continue
        origin = origins[-1 - k * GAP_SESSIONS]
        issued = answered.filter(pl.col("origin") == origin).sort("horizon_sessions")
        at = bars["session"].search_sorted(origin)
        around = bars.filter(pl.col("session") <= issued["resolved"].max())
        yield Picture(
            section="prices",
            group="",
            name=f"fan-{3 - k}",
            caption=f"{symbol}, issued {origin}",
            title=f"{symbol}: 50, 80 and 90% ranges issued {origin}, and what happened",
            draw=plots.fan(around.slice(max(int(at) - 40, 0)), issued, model=content.headline),
        )


def _followed(content: ReportContent, h: int, *, model: str, section: str) -> Iterator[Picture]:
    symbol = followed_symbol(content)
    rows = _at(_known(content, model=model), symbol=symbol, horizon_sessions=h).tail(N_FOLLOWED)
    if len(rows):
        yield Picture(
            section=section,
            group="",
            name=f"{section}-{h}",
            caption=f"{symbol}, {sessions(h)} ahead",
            title=f"{symbol}, {sessions(h)} ahead: actual, predicted and no change",
            draw=plots.followed(rows, model=model),
        )


def _calibration(content: ReportContent, h: int) -> Iterator[Picture]:
    models = ranged_models(content)
    ahead = f"{sessions(h)} ahead"
    if len(rows := _at(content.coverage, horizon_sessions=h)):
        yield Picture(
            section="calibration",
            group="Coverage by level",
            name=f"coverage-{h}",
            caption=ahead,
            title=f"Coverage by level, {ahead}",
            draw=plots.coverage_by_level(rows, models=models),
        )
    if len(rows := _at(content.rolling, horizon_sessions=h)):
        yield Picture(
            section="calibration",
            group="The 90% range over time",
            name=f"coverage-over-time-{h}",
            caption=ahead,
            title=f"Coverage of the 90% range over time, {ahead}",
            draw=plots.coverage_over_time(rows, models=models),
        )
    if len(rows := _at(content.pit, horizon_sessions=h, model=content.headline)):
        yield Picture(
            section="calibration",
            group=f"Where outcomes fell in the forecast of {content.headline} (PIT): flat is right",
            name=f"pit-{h}",
            caption=ahead,
            title=f"Where outcomes fell in the forecast (PIT), {ahead}",
            draw=plots.pit(rows, model=content.headline),
        )


def _slices(content: ReportContent, h: int) -> Iterator[Picture]:
    by = {
        "year": ("By year", content.by_year),
        "regime": ("By volatility at the origin", content.by_regime),
    }
    for kind, (title, frame) in by.items():
        rows = _at(frame, horizon_sessions=h)
        if len(rows):
            yield Picture(
                section="slices",
                group=title,
                name=f"by-{kind}-{h}",
                caption=f"{sessions(h)} ahead",
                title=f"{title}, {sessions(h)} ahead",
                draw=plots.sliced(rows, models=sliced_models(content)),
            )


def _curves(content: ReportContent) -> Iterator[Picture]:
    frame = content.curves
    trained = set(frame["model"]) if len(frame) else set()
    for model in (name for name in content.models if name in trained):
        labels = _at(frame, model=model)["label"].unique(maintain_order=True).to_list()
        for i, label in list(enumerate(labels))[-N_TRAINED:]:
            yield Picture(
                section="training",
                group=model,
                name=f"training-{content.models.index(model)}-{i}",
                caption=label,
                title=f"Training of {model}, {label}",
                draw=plots.curves(_at(frame, model=model, label=label), model=model),
            )
