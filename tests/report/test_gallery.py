import polars as pl

from nextclose.report.gallery import followed_symbol, pictures, ranged_models, sliced_models
from tests.report.synthetic import make_content


def test_pictures_come_in_the_order_of_the_sections_with_a_name_each():
    content = make_content(("A", "B"), n_sessions=420, n_origins=300)
    found = list(pictures(content))
    sections = list(dict.fromkeys(picture.section for picture in found))
    assert sections == ["prices", "followed", "calibration", "slices", "training", "tutorial"]
    assert len({picture.name for picture in found}) == len(found)
    # 3 fans, 3 horizons x (followed, coverage, over time, PIT, year, regime, tutorial), 2 x 4 folds
    assert len(found) == 3 + 3 * 7 + 8


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
    content = make_content(("A",), n_sessions=300, n_origins=80)
    assert ranged_models(content) == ["lstm", "drift", "hs_250", "hs_expanding", "ewma"]
    assert sliced_models(content) == ["lstm", "drift", "ewma"]
