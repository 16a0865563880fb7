from dataclasses import replace

import polars as pl

from nextclose.report.figures.gallery import followed_symbol, pictures, ranged_models, sliced_models
from tests.report.synthetic import make_content


def test_pictures_come_in_the_order_of_the_sections_with_a_name_each():
    content = make_content(("A", "B"), n_sessions=420, n_origins=300)
    found = list(pictures(content))
    sections = list(dict.fromkeys(picture.section for picture in found))
    assert sections == ["prices", "followed", "calibration", "slices", "training", "tutorial"]
    assert len({picture.name for picture in found}) == len(found)
    # 3 fans, 3 horizons x (followed, coverage, over time, PIT, year, regime, tutorial), and of
    # three trained models the last three of four fits
    assert len(found) == 3 + 3 * 7 + 9
    shown = {picture.caption for picture in found if picture.section == "training"}
    assert shown == {"fold 1", "fold 2", "fold 3"}


def test_a_still_fan_is_of_an_origin_whose_every_range_has_been_answered():
    content = make_content(("A",), n_sessions=300, n_origins=80)
    (fan,) = [picture for picture in pictures(content) if picture.section == "prices"]
    last_answered = content.bars["session"].sort()[300 - 1 - 30]
    assert fan.caption == f"A, issued {last_answered}"


def test_the_symbol_shown_is_the_first_whose_outcomes_are_known():
    content = make_content(("A", "B"), n_sessions=300, n_origins=80)
    unknown = pl.when(pl.col("symbol") == "A").then(None).otherwise("target").alias("target")
    later = make_content(
        ("A", "B"),
        n_sessions=300,
        n_origins=80,
        forecasts=content.forecasts.with_columns(unknown),
    )
    assert (followed_symbol(content), followed_symbol(later)) == ("A", "B")


def test_points_have_no_calibration_and_yardsticks_no_slices():
    content = make_content(
        ("A",), n_sessions=300, n_origins=80, models=("lstm", "naive", "hs_250", "ewma", "drift")
    )
    alone = replace(content, headline="lstm")
    assert ranged_models(alone) == ["lstm", "ewma", "hs_250", "drift"]
    assert sliced_models(alone) == ["lstm", "ewma", "drift"]


def test_where_not_all_models_fit_the_headline_keeps_its_rivals():
    content = make_content(("A",), n_sessions=300, n_origins=80)
    assert ranged_models(content) == ["hybrid", "garch", "lstm", "trees", "ewma"]
    assert sliced_models(content) == ["hybrid", "garch", "lstm"]
