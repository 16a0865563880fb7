"""The card of one forecast beside "yesterday's close": a picture to share, and a page."""

from __future__ import annotations

import io
from typing import Any, cast

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from nextclose.judging.cards import N_SHOWN, UNNAMED, Card
from nextclose.report.figures.drawing import DASHED, STYLE, shown, svg, wrapped
from nextclose.report.figures.palette import Inks, Palette, palette_for

SIZE_INCHES = (8.0, 4.5)  # 1,600 x 900 at 200 dpi: as messages show pictures
DPI = 200
NOTE = "Doing nothing is forecasting the last known close. Made with nextclose."


def card_png(card: Card, *, dark: bool = False) -> bytes:
    """The whole card as a picture."""
    palette = _palette(card)
    inks = palette.dark() if dark else palette.light()
    buffer = io.BytesIO()
    with mpl.rc_context(cast(Any, STYLE)):
        figure = Figure(figsize=SIZE_INCHES, facecolor=inks.roles["ground"])
        figure.text(0.04, 0.925, shown(_title(card)), fontsize=9, color=inks.roles["ink-2"])
        figure.text(0.04, 0.84, _headline(card), fontsize=17, color=_colour(card, inks),
                    fontweight="bold")  # fmt: skip
        panel = figure.add_axes((0.04, 0.20, 0.50, 0.54))
        panel.patch.set_alpha(0.0)  # the figure's own ground
        _draw(panel, card, inks)
        _write_table(figure, card, inks)
        said = card.findings[0].sentence if card.findings else NOTE
        figure.text(0.04, 0.05, wrapped(said, width=118), fontsize=8.5, color=inks.roles["ink"])
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def card_html(card: Card) -> str:
    """The card as a page of its own, which follows the reader's theme and loads nothing."""
    palette = _palette(card)

    def draw(inks: Inks) -> Figure:
        figure = Figure(figsize=(5.4, 2.6))
        figure.patch.set_alpha(0.0)
        panel = figure.add_axes((0.02, 0.13, 0.90, 0.74))
        panel.patch.set_alpha(0.0)
        _draw(panel, card, inks)
        return figure

    picture = svg(draw, palette, name="roast", description=_alt(card))
    rows = Markup("").join(
        Markup("<tr><th scope=row>{}</th><td>{}</td><td>{}</td></tr>").format(*row)
        for row in card.rows()
    )
    told = Markup("").join(
        Markup("<p class=flaw>{}</p>").format(each.sentence) for each in card.findings
    )
    return str(
        Markup(PAGE).format(
            style=Markup(STYLE_SHEET % (palette.css(dark=False), palette.css(dark=True))),
            title=_title(card),
            headline=_headline(card),
            mood="bad" if card.multiple >= 0.995 else "good",
            picture=picture,
            rows=rows,
            told=told,
            note=NOTE,
        )
    )


def _palette(card: Card) -> Palette:
    return palette_for([card.model])


def _title(card: Card) -> str:
    ahead = "1 session" if card.horizon_sessions == 1 else f"{card.horizon_sessions} sessions"
    whose = f"{card.model}: {card.symbol}" if card.symbol != UNNAMED else card.model
    extent = f"{card.metrics.origins:,} forecasts, {card.day[0]} to {card.day[-1]}"
    return f"{whose}, {ahead} ahead, {extent}"


def _headline(card: Card) -> str:
    return card.headline[0].upper() + card.headline[1:]


def _alt(card: Card) -> str:
    return (
        f"The price, the forecast of {card.model} and the last known close, over the last "
        f"{min(N_SHOWN, len(card.day))} sessions"
    )


def _colour(card: Card, inks: Inks) -> str:
    return inks.roles["bad" if card.multiple >= 0.995 else "good"]


def _draw(panel: Any, card: Card, inks: Inks) -> None:
    """The last sessions: what came, what was forecast, and the last close known at that time."""
    last = slice(-N_SHOWN, None)
    day = card.day[last].astype("datetime64[D]").astype(object)
    at = np.arange(len(day))
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.spines["bottom"].set_color(inks.roles["rule"])
    panel.tick_params(colors=inks.roles["ink-3"], labelsize=7.5)
    panel.grid(axis="y", color=inks.roles["rule"], linewidth=0.6)
    panel.margins(x=0.01)
    panel.plot(at, card.price[last], color=inks.roles["ink"], linewidth=1.3, label="price")
    panel.plot(
        at, card.forecast[last], color=inks.models[card.model], linewidth=1.5, label="forecast"
    )
    panel.plot(at, card.last_close[last], color=inks.roles["caution"], linewidth=1.2,
               linestyle=DASHED, label="last known close")  # fmt: skip
    marks = [0, len(at) // 2, len(at) - 1]
    panel.set_xticks(marks, [str(day[k]) for k in marks])
    for label, side in zip(panel.get_xticklabels(), ("left", "center", "right"), strict=True):
        label.set_horizontalalignment(side)
    panel.yaxis.tick_right()
    legend = panel.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3, frameon=False,
                          fontsize=8, handlelength=1.6, borderpad=0)  # fmt: skip
    for text in legend.get_texts():
        text.set_color(inks.roles["ink-2"])


def _write_table(figure: Figure, card: Card, inks: Inks) -> None:
    """The tutorial's metrics on the right, those of doing nothing beside them."""
    columns, top, step = (0.60, 0.835, 0.97), 0.755, 0.077
    for x, text in zip(
        columns, ("what the tutorial says", "forecast", "doing nothing"), strict=True
    ):
        figure.text(x, top, text, fontsize=8, color=inks.roles["ink-3"],
                    ha="left" if x < 0.7 else "right")  # fmt: skip
    for k, (name, ours, theirs) in enumerate(card.rows()):
        y = top - (k + 1) * step
        for x, text, role in zip(
            columns, (name, ours, theirs), ("ink-2", "ink", "ink"), strict=True
        ):
            figure.text(x, y, text, fontsize=9, color=inks.roles[role],
                        ha="left" if x < 0.7 else "right")  # fmt: skip


STYLE_SHEET = """
:root{color-scheme:light dark;%s}
@media (prefers-color-scheme:dark){:root{%s}}
*{box-sizing:border-box}
body{margin:0;padding:24px 16px;background:var(--ground-2);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
main{max-width:720px;margin:0 auto;padding:24px;background:var(--ground);border:1px solid
var(--rule);border-radius:12px}
h1{margin:.1em 0 .4em;font-size:1.7rem;line-height:1.2}
.bad{color:var(--bad)}.good{color:var(--good)}
.what,.note{margin:0;color:var(--ink-2);font-size:.9rem}
.plot{display:block;width:100%%;height:auto}
table{width:100%%;border-collapse:collapse;margin:12px 0;font-variant-numeric:tabular-nums}
th,td{padding:6px 0;border-top:1px solid var(--rule);font-weight:400}
thead th{border:0;color:var(--ink-3);font-size:.85rem}
th{text-align:left;color:var(--ink-2)}td,thead th+th{text-align:right;padding-left:12px}
td{white-space:nowrap}
.flaw{margin:8px 0;padding:8px 12px;border-left:3px solid var(--bad);background:var(--ground-2)}
"""
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><style>{style}</style></head>
<body><main><p class="what">{title}</p><h1 class="{mood}">{headline}</h1>
{picture}
<table><thead><tr><th>what the tutorial says</th><th>forecast</th>
<th>doing nothing</th></tr></thead>
<tbody>{rows}</tbody></table>
{told}
<p class="note">{note}</p></main></body></html>
"""
