"""The report: one self-contained HTML page, and its pictures as files. Pictures and words only."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import Any
from unicodedata import category

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from nextclose.errors import printable
from nextclose.evaluation.verdict.overlap import overlap_notice, silence_notice
from nextclose.formatting import quantity
from nextclose.report.content import ReportContent as ReportContent
from nextclose.report.content import RunFacts as RunFacts
from nextclose.report.figures import gallery
from nextclose.report.figures.drawing import png, svg
from nextclose.report.figures.palette import Palette, palette_for
from nextclose.report.figures.price_chart import as_script_json, chart_data
from nextclose.report.sections import data_quality, hybrid
from nextclose.report.sections.cards import verdict_cards
from nextclose.report.sections.direction import direction_table, direction_tables_by_horizon
from nextclose.report.sections.metrics import metric_tables
from nextclose.report.sections.reproduce import run_notes
from nextclose.report.sections.sample_size import sample_size_table
from nextclose.report.sections.scoreboard import scoreboard_tables
from nextclose.report.sections.summary import summaries_by_horizon
from nextclose.report.sections.symbols import symbol_heat_map, symbol_scores_table
from nextclose.report.sections.tutorial import tutorial_comparison
from nextclose.report.sections.words import explained_words, words_by_kind
from nextclose.report.wording import first_sentence, typeset

UNBROKEN_CHARACTERS = 14  # of a name in a table, beside a figure on a phone
PAGE_SCRIPTS = ("words.js", "tables.js")
CHART_LIBRARY = "lightweight-charts-5.2.1.js"
CHART_SCRIPTS = ("chart-data.js", "chart.js", "followed.js")  # in this order, as one script


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineFigure:
    """A picture as the template places it."""

    caption: str
    svg: Markup


def render_page(content: ReportContent) -> str:
    """The whole report as HTML: opens offline, loads nothing, equal bytes for equal content.

    Expects: at least one pooled verdict on the headline model.
    """
    palette = palette_for(content.models, colours=content.colours)
    chart = chart_data(content.bars, content.forecasts, model=content.headline)
    theme = _script("theme.js")
    charts = [_script(CHART_LIBRARY), _script(*CHART_SCRIPTS)] if chart.symbols else []
    scripts = [*(_script(name) for name in PAGE_SCRIPTS), *charts]
    parts = {
        "palette": palette,
        "policy": content_security_policy([theme, *scripts]),
        "style": _style_sheet(palette),
        "theme_script": theme,
        "scripts": scripts,
        "headline": content.headline,
        "lead_sentence": content.lead_sentence,
        "lead_line": first_sentence(content.lead_sentence),
        "horizons": content.horizons,
        "scope": _scope(content),
        "submitted": content.submitted,
        **_verdict_parts(content),
        **_hybrid_parts(content),
        **_glossary_parts(content),
        "chart": as_script_json(chart.values) if chart.symbols else None,
        "chart_note": chart.note,
        "chart_horizons": chart.horizons,
        "pictures": _inline_figures(content, palette),
        "calibration_models": gallery.calibration_models(content),
        "slice_models": gallery.slice_models(content),
        "tutorial": tutorial_comparison(content.tutorial) if len(content.tutorial) else None,
        "network": content.network,
        "data_facts": data_quality.data_facts(content),
        "findings": data_quality.finding_summaries(content.findings),
        "excluded": data_quality.excluded_symbols(content.findings),
        "run": content.run,
        "run_notes": run_notes(content),
    }
    return _template_environment().get_template("page.html.j2").render(parts)


def _verdict_parts(content: ReportContent) -> dict[str, Any]:
    """What the verdicts say: cards, scoreboard, direction, and what the sample could show."""
    verdicts, headline, models = content.verdicts, content.headline, content.models
    marks = {overlap.model: overlap.clause for overlap in content.overlaps}
    return {
        "cards": verdict_cards(verdicts, headline=headline),
        "summaries": summaries_by_horizon(verdicts, headline=headline),
        "overlap": overlap_notice(content.overlaps),
        "silence": silence_notice(content.editions),
        "scoreboard": scoreboard_tables(verdicts, models=models, marks=marks),
        "metric_tables": metric_tables(verdicts, models=models),
        "heat_map": symbol_heat_map(verdicts, headline=headline),
        "symbol_scores": symbol_scores_table(verdicts, headline=headline),
        "direction": direction_table(verdicts, headline=headline),
        "direction_by_horizon": direction_tables_by_horizon(verdicts, models=models),
        "sample_size": sample_size_table(verdicts, headline=headline),
    }


def _glossary_parts(content: ReportContent) -> dict[str, Any]:
    """Words to explain, by name and by kind."""
    words = explained_words(content.models)
    return {"terms": words, "glossary": words_by_kind(words)}


def _hybrid_parts(content: ReportContent) -> dict[str, Any]:
    """What the hybrid is made of, and what moved its trees; empty without them."""
    return {
        "variants": hybrid.variant_table(content.ablation),
        "ablation_sentences": [part.sentence for part in content.ablation if part.sentence],
        "calibration": hybrid.calibration_table(content.ablation),
        "importance": hybrid.importance_charts(content.importance),
        "news": hybrid.news_table(content.news),
        "news_sentences": [part.sentence for part in content.news],
    }


def figure_files(content: ReportContent) -> dict[str, bytes]:
    """Every picture of the report as a PNG at 300 dpi, by file name."""
    palette = palette_for(content.models, colours=content.colours)
    return {
        f"{picture.name}.png": png(picture.draw, palette, title=picture.title)
        for picture in gallery.pictures(content)
    }


def content_security_policy(scripts: list[Markup]) -> str:
    """Nothing loads, nothing is sent; exactly these scripts run, known by their SHA-256."""
    digests = (hashlib.sha256(text.encode()).digest() for text in scripts)
    allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"style-src 'unsafe-inline'; script-src {allowed}"
    )


def _inline_figures(
    content: ReportContent, palette: Palette
) -> dict[str, dict[str, list[InlineFigure]]]:
    """Pictures for the template: section -> group -> figures in order."""
    sections: dict[str, dict[str, list[InlineFigure]]] = {}
    for picture in gallery.pictures(content):
        group = sections.setdefault(picture.section, {}).setdefault(picture.group, [])
        text = svg(picture.draw, palette, name=picture.name, description=picture.title)
        group.append(InlineFigure(caption=picture.caption, svg=text))
    return sections


def _style_sheet(palette: Palette) -> Markup:
    """The style sheet with the palette in front; only our own text, so it may stand as it is."""
    naive = f"var({palette.variable('naive')})" if "naive" in palette.order else "var(--ink-3)"
    roles = f"--headline:var({palette.variable(palette.order[0])});--naive:{naive};"
    light, dark = palette.css(dark=False), palette.css(dark=True)
    dark += "color-scheme:dark;"
    return Markup(
        f":root{{{light}{roles}color-scheme:light;}}\n"
        "@media screen and (prefers-color-scheme: dark)"
        f"{{:root:not([data-theme=light]){{{dark}}}}}\n"
        f"@media screen{{:root[data-theme=dark]{{{dark}}}}}\n"
        + _static_file("report.css")
        + _static_file("chart.css")
    )


def _scope(content: ReportContent) -> dict[str, str]:
    """How much was forecast, and from when to when; empty without forecasts of the headline."""
    rows = content.forecasts.filter(pl.col("model") == content.headline)
    if rows.is_empty():
        return {}
    n = rows["symbol"].n_unique()
    return {
        "what": f"{quantity(n, 'symbol')}, {quantity(len(rows), 'forecast')}",
        "first": str(rows["origin"].min()),
        "last": str(rows["origin"].max()),
    }


def _script(*names: str) -> Markup:
    """Files of our own, one after the other, as one script."""
    return Markup("".join(map(_static_file, names)))


def _static_file(name: str) -> str:
    return resources.files("nextclose.report").joinpath("static", name).read_text("utf-8")


def with_break_points(name: str) -> Markup:
    """A name that may go on in the next line after each `_` if it is long."""
    text = escape(readable(name))
    return text.replace("_", Markup("_<wbr>")) if len(name) > UNBROKEN_CHARACTERS else text


def readable(value: Any) -> Any:
    """What a template shows: of text, marks that turn or hide what one reads (U+202E) escaped."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "".join(c if c == "\n" or category(c) == "Zs" else printable(c) for c in value)


def _template_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("nextclose.report"),
        autoescape=True,
        finalize=readable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["break_points"] = with_break_points
    environment.filters["typeset"] = typeset
    return environment
