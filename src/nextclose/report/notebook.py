"""How values show themselves: lines of text, and HTML that a notebook of any theme can show.

The HTML runs no script, loads nothing, and takes the notebook's own colours. It is written by hand,
for a notebook shows fragments, not pages: what comes from outside is escaped by `Markup`.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from markupsafe import Markup

from nextclose.arguments import refuse_other
from nextclose.durable import save

if TYPE_CHECKING:
    from datetime import date

    from matplotlib.figure import Figure

# a line that is seen on light and on dark grounds
RULE = "1px solid rgba(128,128,128,.4)"
CELL = f"padding:.15em .7em;border:0;border-bottom:{RULE};background:none;white-space:nowrap;"
SCREEN_DPI = 110
FRAME_PIXELS = 620  # how high a report stands in a notebook


def price_text(price: float) -> str:
    """A price in cents, of less than 1 in four digits."""
    return f"{price:.2f}" if price >= 1 else f"{price:.4g}"


def columns_text(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1
) -> list[str]:
    """Lines of a table in plain text; its first `left` columns begin at the left."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    return [
        "  ".join(
            f"{cell:<{width}}" if k < left else f"{cell:>{width}}"
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (titles, *rows)
    ]


def table_html(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    caption: str = "",
    words: Collection[str] = (),
) -> str:
    """A table; columns titled as one of `words` begin at the left, figures end at the right."""

    def line(cells: Sequence[str], tag: str) -> Markup:
        return Markup("<tr>{}</tr>").format(
            Markup("").join(
                Markup('<{0} style="{1}text-align:{2}">{3}</{0}>').format(
                    Markup(tag), CELL, "left" if title in words else "right", cell
                )
                for title, cell in zip(titles, cells, strict=True)
            )
        )

    head = Markup("<p>{}</p>").format(caption) if caption else Markup("")
    body = Markup("").join(line(row, "td") for row in rows)
    return str(
        head
        + Markup('<div style="overflow-x:auto"><table style="border-collapse:collapse">')
        + Markup("<thead>{}</thead><tbody>{}</tbody></table></div>").format(
            line(titles, "th"), body
        )
    )


def forecast_figure(
    bars: pl.DataFrame,
    forecasts: pl.DataFrame,
    *,
    symbol: str,
    origin: date | None = None,
    dark: bool = False,
) -> Figure:
    """`fan_figure`, which a notebook shows as a picture, once, whatever else it has loaded."""
    from nextclose.report.figures.fan import fan_figure

    figure: Figure = fan_figure(bars, forecasts, symbol=symbol, origin=origin, dark=dark)
    # notebooks know figures of pyplot alone; one whose `%matplotlib inline` knows this one too
    # takes its own picture instead of this, not both
    vars(figure)["_repr_png_"] = partial(png_of, figure)
    return figure


def png_of(figure: Figure) -> bytes:
    """The figure as it stands, for a screen."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=SCREEN_DPI, bbox_inches="tight", pad_inches=0.08)
    return buffer.getvalue()


def picture_html(figure: Figure, *, description: str) -> str:
    """The figure as a picture within HTML."""
    data = base64.b64encode(png_of(figure)).decode()
    return str(
        Markup('<img alt="{}" style="max-width:100%" src="data:image/png;base64,{}">').format(
            description, data
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Report:
    """The report of a run as one page: `.html`, `.save("report.html")`; a notebook shows it."""

    html: str

    def save(self, path: str | Path) -> Path:
        """Write the page to `path`, whole or not at all; returns where it is.

        Raises: OutputError if it cannot be written.
        """
        fix = 'name the file, as "report.html"'
        refuse_other(path, (str, Path), argument="path", fix=fix)
        place = Path(path)
        save(place, self.html.encode())
        return place

    def __repr__(self) -> str:
        size = f"{len(self.html) // 1000:,} kB"
        return f'Report: one page of {size}; .save("report.html") writes it, .html is its text'

    def _repr_html_(self) -> str:
        return str(
            Markup(
                '<iframe sandbox="allow-scripts" style="width:100%;height:{}px;border:{}" '
                'srcdoc="{}"></iframe>'
            ).format(FRAME_PIXELS, RULE, self.html)
        )
