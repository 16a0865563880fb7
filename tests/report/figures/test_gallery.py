from dataclasses import replace

import polars as pl

from nextclose.report.figures.gallery import (
    calibration_models,
    example_symbol,
    pictures,
    slice_models,
)
from tests.report.synthetic import make_content


def test_pictures_come_in_the_order_of_the_sections_with_a_name_each():
    content = make_content(("A", "B"), n_sessions=420, n_origins=300)
    drawn = list(pictures(content))
    sections = list(dict.fromkeys(picture.section for picture in drawn))
    assert sections == ["prices", "followed", "calibration", "slices", "training", "tutorial"]
    assert len({picture.name for picture in drawn}) == len(drawn)
    # 3 fans, 3 horizons x (followed, coverage, over time, PIT, year, regime, tutorial), and of
    # three trained models the last three of four fits
    assert len(drawn) == 3 + 3 * 7 + 9
    shown = {picture.caption for picture in drawn if picture.section == "training"}
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
    assert (example_symbol(content), example_symbol(later)) == ("A", "B")


def test_points_have_no_calibration_and_yardsticks_no_slices():
    content = make_content(
        ("A",), n_sessions=300, n_origins=80, models=("lstm", "naive", "hs_250", "ewma", "drift")
    )
    alone = replace(content, headline="lstm")
    assert calibration_models(alone) == ["lstm", "ewma", "hs_250", "drift"]
    assert slice_models(alone) == ["lstm", "ewma", "drift"]


def test_where_not_all_models_fit_the_headline_keeps_its_rivals():
    content = make_content(("A",), n_sessions=300, n_origins=80)
    assert calibration_models(content) == ["hybrid", "garch", "lstm", "trees", "ewma"]
    assert slice_models(content) == ["hybrid", "garch", "lstm"]


def test_models_of_the_users_own_come_before_all_rivals_but_the_first():
    content = make_content(("A",), n_sessions=300, n_origins=80)
    names = {"trees": "zeta", "drift": "alpha"}
    own = replace(
        content,
        verdicts=(),
        forecasts=content.forecasts.with_columns(pl.col("model").replace(names)),
        coverage=content.coverage.with_columns(pl.col("model").replace(names)),
    )
    assert calibration_models(own) == ["hybrid", "garch", "alpha", "zeta", "lstm"]
