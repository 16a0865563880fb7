import io
import re

import matplotlib as mpl
import pytest
from PIL import Image

from nextclose.report.figures.drawing import (
    TITLE_CHARACTERS,
    empty_figure,
    png,
    shown,
    svg,
    wrapped,
    write_axis_title,
)
from nextclose.report.figures.palette import model_order, palette_for

PALETTE = palette_for(model_order(["lstm"], headline="lstm"))


def drawing(inks):
    figure, (panel,) = empty_figure(inks)
    panel.plot([0.0, 1.0, 2.0], [1.0, 1.123456, 3.0], color=inks.models["lstm"], label="<b>$x_1$")
    write_axis_title(panel, "<script>$\\frac{1}$", inks)
    return figure


def test_an_inline_picture_has_theme_colours_real_text_and_no_size():
    text = svg(drawing, PALETTE, name="one", description='a "quoted" <picture>')
    assert "var(--model-0)" in text
    assert not re.search(r"#5a..a5|#a5..5a", text)  # no stand-in colour is left
    assert "&lt;script&gt;$\\frac{1}$</text>" in text
    assert "<script" not in text
    opening = text[: text.index(">") + 1]
    assert 'aria-label="a &#34;quoted&#34; &lt;picture&gt;"' in opening
    assert "width=" not in opening


def test_equal_drawings_have_equal_bytes_and_ids_of_their_own():
    one, other = (svg(drawing, PALETTE, name=name, description="") for name in ("one", "two"))
    assert one == svg(drawing, PALETTE, name="one", description="")
    ids = [set(re.findall(r' id="([^"]+)"', text)) for text in (one, other)]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_every_reference_inside_a_picture_finds_its_target():
    text = svg(drawing, PALETTE, name="one", description="")
    used = set(re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", text))
    ids = set(re.findall(r' id="([^"]+)"', text))
    assert {a or b for a, b in used} <= ids


def test_a_saved_picture_takes_any_title_without_a_missing_glyph():
    data = png(drawing, PALETTE, title="株 $x_1$ \u2028 \x00")
    assert data.startswith(b"\x89PNG")
    assert data == png(drawing, PALETTE, title="株 $x_1$ \u2028 \x00")


def test_a_long_title_is_wrapped_and_never_cut():
    title = (
        "A LONG NAME OF A FUND, CLASS B: 50, 80 and 90% ranges issued 2013-01-16, and what happened"
    )
    lines = wrapped(title, width=TITLE_CHARACTERS).split("\n")
    assert " ".join(lines) == title
    assert max(map(len, lines)) <= TITLE_CHARACTERS


def test_what_the_font_has_no_glyph_for_is_a_question_mark_and_a_true_minus_stays():
    assert shown("\N{MINUS SIGN}1 株 Ω é \u202e") == "\N{MINUS SIGN}1 ? Ω é ?"


def pixels(data):
    return Image.open(io.BytesIO(data)).size


def plain(n_names, name="x"):
    def draw(inks):
        figure, (panel,) = empty_figure(inks)
        for k in range(n_names):
            panel.plot([0.0, 1.0], [0.0, 1.0], label=f"{name} {k}")
        return figure

    return draw


def test_a_saved_picture_grows_upwards_with_its_title_and_legend_not_sideways():
    width, height = pixels(png(plain(5), PALETTE, title="short"))
    wide, tall = pixels(png(plain(5, "a name of a model"), PALETTE, title="a long title " * 12))
    assert tall > height
    assert wide < 1.2 * width


def test_a_picture_without_anything_named_is_saved_too():
    assert png(plain(0), PALETTE, title="x").startswith(b"\x89PNG")


def test_drawing_leaves_the_settings_of_matplotlib_alone():
    before = dict(mpl.rcParams)
    svg(drawing, PALETTE, name="one", description="")
    png(drawing, PALETTE, title="")
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("n_rows", [1, 2])
def test_axes_of_neighbouring_pictures_are_in_line(n_rows):
    figure, panels = empty_figure(PALETTE.light(), n_rows=n_rows)
    left = {round(panel.get_position().x0 * figure.get_figwidth(), 6) for panel in panels}
    assert left == {0.44}
