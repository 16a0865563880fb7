"""One drawing, two prints: SVG that follows the theme of its page, PNG at 300 dpi."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, cast

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.transforms import ScaledTranslation

from nextclose.report.figures.palette import Inks, Palette

Drawing = Callable[[Inks], Figure]

PNG_DPI = 300
WIDTH_INCHES = 3.4  # at 8 pt, text is readable in a third of a screen and on a phone
TITLE_CHARACTERS = 46  # of a line above a figure
MAX_TITLE = 400  # characters, whatever a name holds
DASHED = (0, (2, 1.5))  # the naive line, in every picture
STYLE: dict[str, Any] = {
    "axes.formatter.use_mathtext": False,
    "axes.linewidth": 0.6,
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: equal bytes on every machine
    "font.size": 8.0,
    "lines.linewidth": 1.2,
    "path.simplify_threshold": 0.25,
    "svg.fonttype": "none",  # text stays text: selectable, in the reader's own font
    "text.parse_math": False,  # a `$` in a name is a dollar, not a formula
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
}


def empty_figure(
    inks: Inks, *, n_rows: int = 1, row_inches: float = 1.9
) -> tuple[Figure, list[Axes]]:
    """An empty figure, one column wide, with `n_rows` panels below each other that share x.

    The margins are fixed lengths, so that figures side by side have their axes in line.
    """
    height = n_rows * row_inches
    figure = Figure(figsize=(WIDTH_INCHES, height))
    figure.subplots_adjust(
        left=0.44 / WIDTH_INCHES,
        right=1 - 0.06 / WIDTH_INCHES,
        bottom=0.26 / height,
        top=1 - 0.26 / height,
        hspace=0.46 / (row_inches - 0.4),
    )
    figure.patch.set_alpha(0.0)
    grid = figure.subplots(n_rows, 1, sharex=True, squeeze=False)
    panels = [grid[row, 0] for row in range(n_rows)]
    for panel in panels:
        panel.patch.set_alpha(0.0)
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.spines["bottom"].set_color(inks.roles["rule"])
        panel.tick_params(colors=inks.roles["ink-3"], labelsize=8, pad=5)
        panel.grid(axis="y", color=inks.roles["rule"], linewidth=0.6)
        panel.set_axisbelow(True)
        panel.margins(x=0.01)
    return figure, panels


def write_axis_title(panel: Axes, text: str, inks: Inks) -> None:
    """Say above a panel, flush left, what its vertical axis shows: no text has to tilt."""
    panel.text(
        -0.44 / (WIDTH_INCHES - 0.5),
        1.0,
        text,
        transform=panel.transAxes + ScaledTranslation(0, 8 / 72, panel.figure.dpi_scale_trans),
        fontsize=8,
        color=inks.roles["ink-2"],
    )


def svg(draw: Drawing, palette: Palette, *, name: str, description: str) -> Markup:
    """The drawing as an inline `<svg>`: colours are CSS variables, bytes depend on the input alone.

    `name` must be unique in the page: the ids inside are derived from it.
    Assumes: no other thread draws at the same time, since matplotlib's settings are global.
    """
    inks, meaning = palette.stand_ins()
    buffer = io.StringIO()
    with mpl.rc_context(cast(Any, {**STYLE, "svg.hashsalt": name})):
        draw(inks).savefig(buffer, format="svg", metadata={"Date": None})
    text = _compact(buffer.getvalue())
    for colour, variable in meaning.items():
        text = text.replace(colour, variable)
    # Markup is right here: the drawing is ours, and matplotlib escapes the texts in it.
    opening = Markup('<svg class="plot" role="img" aria-label="{}"').format(description)
    return opening + Markup(text.removeprefix("<svg"))


def png(draw: Drawing, palette: Palette, *, title: str) -> bytes:
    """The drawing on white, with a title and a legend of what is in it, at 300 dpi."""
    inks = palette.light()
    buffer = io.BytesIO()
    with mpl.rc_context(cast(Any, STYLE)):
        figure = draw(inks)
        figure.patch.set(alpha=1.0, facecolor=inks.roles["ground"])
        height = figure.get_figheight()
        legend = dict(legend_entries(figure))
        n_columns = legend_columns(list(legend), width=int(1.3 * TITLE_CHARACTERS))
        if legend:
            figure.legend(
                legend.values(),
                legend.keys(),
                loc="lower left",
                bbox_to_anchor=(0.0, 1 + 0.02 / height),
                ncols=n_columns,
                frameon=False,
                fontsize=7,
                handlelength=1.2,
                columnspacing=1.2,
                borderpad=0,
            )
        n_lines = sum(name.count("\n") + 1 for name in list(legend)[::n_columns])
        top = 1 + (0.2 + 0.14 * n_lines) / height  # above the legend
        figure.text(0.0, top, wrapped(title, width=TITLE_CHARACTERS), fontsize=9, va="bottom")
        figure.savefig(
            buffer,
            format="png",
            dpi=PNG_DPI,
            bbox_inches="tight",
            pad_inches=0.08,
            metadata={"Software": None},
        )
    return buffer.getvalue()


def legend_entries(figure: Figure) -> Iterator[tuple[str, Artist]]:
    """Names as they are shown, each with what it names."""
    for panel in figure.axes:
        handles, names = panel.get_legend_handles_labels()
        names = [wrapped(name, width=TITLE_CHARACTERS) for name in names]
        yield from zip(names, handles, strict=True)


def legend_columns(names: Sequence[str], *, width: int) -> int:
    """As many columns of a legend as fit into `width` characters, one at least."""
    widths = [len(name) + 5 for name in names]  # the key and the gap are 5 characters wide
    return max(len(names) if sum(widths) <= width else width // max(widths), 1)


def wrapped(text: str, *, width: int) -> str:
    """The text in lines of at most `width` characters, so that nothing of a title is cut."""
    return "\n".join(textwrap.wrap(shown(text)[:MAX_TITLE], width)) or " "


def shown(text: str) -> str:
    """What the bundled font can show: a missing glyph would be a box and a warning."""
    glyphs = _glyphs()
    return "".join(c if c.isprintable() and ord(c) in glyphs else "?" for c in text)


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def _compact(text: str) -> str:
    """Matplotlib's SVG without prologue, size, ids of groups, font names and needless decimals."""
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'(<g) id="[^"]*"', r"\1", text)
    text = re.sub(r"; font-family: [^;\"]*", "", text)
    text = re.sub(r'^<svg [^>]*?(viewBox="[^"]*")[^>]*>', r"<svg \1>", text)
    text = re.sub(r'="[^"]*"', lambda attribute: _with_short_numbers(attribute[0]), text)
    return re.sub(r"\s*\n\s*", "\n", text).replace("xlink:href", "href")


def _with_short_numbers(attribute: str) -> str:
    return re.sub(r"\s*\n\s*", " ", re.sub(r"(\.\d\d)\d+", r"\1", attribute))
