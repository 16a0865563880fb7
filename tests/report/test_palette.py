import pytest

from nextclose.report.palette import BASE, MODELS, SPARE, in_order, palette_for

TEXT = ("ink", "ink-2", "ink-3", "good", "bad", "caution", "accent")


def luminance(colour):
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_of_black_on_white_is_21():
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)


@pytest.mark.parametrize("dark", [False, True])
def test_texts_reach_double_a_on_both_grounds(dark):
    for role in TEXT:
        for ground in ("ground", "ground-2"):
            assert contrast(BASE[role][dark], BASE[ground][dark]) >= 4.5, (role, ground)


@pytest.mark.parametrize("dark", [False, True])
def test_lines_of_models_stand_out_from_the_ground(dark):
    for pair in (*MODELS.values(), *SPARE):
        assert contrast(pair[dark], BASE["ground"][dark]) >= 4.5, pair


def test_a_known_model_keeps_its_colour_whatever_else_is_in_the_report():
    alone = palette_for(in_order(["lstm"], headline="lstm"))
    among = palette_for(in_order(["zeta", "naive", "lstm", "alpha"], headline="zeta"))
    assert alone.models["lstm"] == among.models["lstm"]
    assert among.order == ("zeta", "lstm", "naive", "alpha")
    assert among.models["zeta"] != among.models["alpha"]


def test_stand_in_colours_are_all_different():
    palette = palette_for(in_order([*MODELS, "mine"], headline="mine"))
    _, meaning = palette.sentinels()
    assert len(meaning) == len(BASE) + len(MODELS) + 1
    assert meaning["#a5005a"] == "var(--model-0)"
