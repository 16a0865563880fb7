"""A bundle that reads what is odd about a bar."""

import nextclose as nc
from nextclose.config import FeaturesConfig, RunConfig, TreesConfig
from nextclose.schema import MASK_COLUMNS
from tests.builders import walk_frame


def test_a_bundle_with_masks_forecasts_as_it_did_when_it_was_trained(tmp_path):
    names = ("AAA", "BBB", "CCC", "DDD", "EEE")  # enough for a market
    frames = {name: walk_frame(name, seed=k, n=600) for k, name in enumerate(names)}
    bars = nc.frame_bars(frames)
    config = RunConfig(features=FeaturesConfig(masks=True), trees=TreesConfig(rounds=3))
    nc.train(bars, tmp_path / "bundle", model="trees", config=config)
    bundle = nc.load_bundle(tmp_path / "bundle")
    assert set(MASK_COLUMNS) <= set(bundle.manifest.features)
    assert set(MASK_COLUMNS) <= set(bundle.golden.arrays)
    assert nc.predict(bundle, bars).height == 5 * len(bundle.manifest.horizons)
