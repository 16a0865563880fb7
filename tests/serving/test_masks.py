"""A bundle that reads what is odd about a bar."""

from dataclasses import replace

import polars as pl

import nextclose as nc
from nextclose.config import FeaturesConfig, RunConfig, TreesConfig
from nextclose.schema import MASK_COLUMNS
from tests.builders import tiny_config, walk_bars, walk_frame


def test_a_bundle_with_masks_forecasts_as_it_did_when_it_was_trained(tmp_path):
    names = ("AAA", "BBB", "CCC", "DDD", "EEE")  # enough for a market
    frames = {name: walk_frame(name, seed=k, n=600) for k, name in enumerate(names)}
    bars = nc.frame_bars(frames)
    config = RunConfig(features=FeaturesConfig(masks=True), trees=TreesConfig(rounds=3))
    nc.train(bars, tmp_path / "bundle", model="trees", config=config)
    bundle = nc.load_bundle(tmp_path / "bundle")
    assert set(MASK_COLUMNS) <= set(bundle.manifest.features)
    assert set(MASK_COLUMNS) <= set(bundle.golden.arrays)
    assert nc.predict(bundle, bars).frame.height == 5 * len(bundle.manifest.horizons)


def test_a_bundle_carries_the_marks_that_say_whose_range_counts(tmp_path):
    bars = walk_bars((300,))
    is_odd = (pl.int_range(pl.len()) % 3 == 0).alias("widened")
    marked = replace(bars, frame=bars.frame.with_columns(is_odd))
    config = tiny_config(models=("lstm",))
    nc.train(marked, tmp_path / "mine", model="lstm", config=config)
    made = nc.predict(nc.load_bundle(tmp_path / "mine"), marked).frame
    plain = nc.predict(nc.load_bundle(tmp_path / "mine"), bars).frame
    assert not made["q0.950"].equals(plain["q0.950"])
