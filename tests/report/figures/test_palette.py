import itertools

import numpy as np
import pytest

from nextclose.models.registry import OURS
from nextclose.report.figures.gallery import N_CALIBRATION_MODELS, RIVALS
from nextclose.report.figures.palette import BASE, MODELS, SPARE, model_order, palette_for

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


@pytest.mark.parametrize("dark", [False, True])
def test_candles_and_misses_stand_out_and_up_is_told_from_down_by_every_eye(dark):
    for role in ("rise", "fall", "bad"):
        for ground in ("ground", "ground-2"):
            assert contrast(BASE[role][dark], BASE[ground][dark]) >= 3.0, (role, ground)
    for sight in SIGHTS.values():
        apart = seen(BASE["rise"][dark], sight) - seen(BASE["fall"][dark], sight)
        assert np.linalg.norm(apart) > 0.1


def test_a_known_model_keeps_its_colour_whatever_else_is_in_the_report():
    alone = palette_for(model_order(["lstm"], headline="lstm"))
    among = palette_for(model_order(["zeta", "naive", "lstm", "alpha"], headline="zeta"))
    assert alone.models["lstm"] == among.models["lstm"]
    assert among.order == ("zeta", "naive", "lstm", "alpha")
    assert among.models["zeta"] != among.models["alpha"]


def test_a_model_that_brings_its_colours_keeps_them_and_takes_no_spare_one():
    own = ("#123456", "#abcdef")
    palette = palette_for(("zeta", "alpha", "lstm"), colours={"zeta": own})
    assert palette.models == {"zeta": own, "alpha": SPARE[0], "lstm": MODELS["lstm"]}
    assert "--model-0:#abcdef;" in palette.css(dark=True)


def linear_rgb(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts])


def oklab(linear):
    """Distances in it are about what the eye sees (Ottosson, 2020)."""
    cones = np.cbrt(
        np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]])
        @ linear
    )
    return cones @ np.array(
        [[0.2105, 1.9780, 0.0259], [0.7936, -2.4286, 0.7828], [-0.0041, 0.4506, -0.8087]]
    )


def lightness_and_hue(colour):
    return oklab(linear_rgb(colour))


# Without red, green or blue cones: linear RGB -> linear RGB (Machado et al., 2009, severity 1)
SIGHTS = {
    "full": np.eye(3),
    "no red": np.array(
        [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]]
    ),
    "no green": np.array(
        [[0.3673, 0.8606, -0.2280], [0.2801, 0.6727, 0.0472], [-0.0118, 0.0429, 0.9689]]
    ),
    "no blue": np.array(
        [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]]
    ),
}


def seen(colour, sight):
    """The colour in OKLab as an eye without some cones sees it."""
    return oklab(np.clip(sight @ linear_rgb(colour), 0, 1))


@pytest.mark.parametrize("dark", [False, True])
def test_models_that_share_a_picture_are_told_apart(dark):
    together = (*RIVALS[:N_CALIBRATION_MODELS], "naive")
    for one, other in itertools.combinations(together, 2):
        apart = lightness_and_hue(MODELS[one][dark]) - lightness_and_hue(MODELS[other][dark])
        assert np.linalg.norm(apart) > 0.1, (one, other)  # 0.02 is just noticeable


def test_every_model_of_the_package_has_a_colour():
    assert set(OURS) == set(MODELS)


def test_stand_in_colours_are_all_different():
    palette = palette_for(model_order([*MODELS, "mine"], headline="mine"))
    _, meaning = palette.stand_ins()
    assert len(meaning) == len(BASE) + len(MODELS) + 1
    assert meaning["#a5005a"] == "var(--model-0)"
