"""A bundle that reads what is odd about a bar."""

import nextclose as nc
from nextclose.config import DataConfig, FeaturesConfig, RunConfig, TreesConfig
from nextclose.schema import MASK_COLUMNS
from tests.builders import walk_frame


def test_a_bundle_with_masks_forecasts_as_it_did_when_it_was_trained(tmp_path):
    frames = [walk_frame(symbol, seed=k, n=700) for k, symbol in enumerate(("AAA", "BBB"))]
    data = DataConfig(calendar="weekdays")
    both = nc.frame_bars({"AAA": frames[0], "BBB": frames[1]}, config=data)
    config = RunConfig(data=data, features=FeaturesConfig(masks=True), trees=TreesConfig(rounds=3))
    nc.train(both, tmp_path / "bundle", model="trees", config=config)
    bundle = nc.load_bundle(tmp_path / "bundle")
    assert set(MASK_COLUMNS) <= set(bundle.manifest.features)
    assert set(MASK_COLUMNS) <= set(bundle.golden.arrays)
    assert nc.predict(bundle, both).height == 2 * len(bundle.manifest.horizons)
