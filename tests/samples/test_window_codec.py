"""Windows of a symbol to bytes and back: bit for bit, and nothing else is taken for them."""

import io
import json
from dataclasses import fields, replace

import numpy as np
import polars as pl
import pytest

from nextclose.config import BacktestConfig, RunConfig
from nextclose.samples.window_codec import (
    ENCODERS,
    npz_bytes,
    parquet_bytes,
    scalers_bytes,
    scalers_of,
    windows_of,
)
from nextclose.samples.window_sets import SymbolWindows
from nextclose.windowing import make_windows
from nextclose.windowsets import Windows
from tests.builders import walk_bars

FORMATS = tuple(ENCODERS)


@pytest.fixture(scope="module", params=["stationary", "classic"])
def windows(request) -> Windows:
    plan = BacktestConfig(refit_sessions=60, horizons=(1, 7))
    return make_windows(
        walk_bars(), form=request.param, split="walk-forward", config=RunConfig(backtest=plan)
    )


def decoded(windows: Windows, arrays: bytes, file_format: str) -> SymbolWindows:
    own = windows.read("AAA")
    scalers = scalers_bytes(own.scalers, windows.facts)
    return windows_of(arrays, scalers, symbol="AAA", facts=windows.facts, file_format=file_format)


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_array_and_scaler_comes_back_to_the_bit(windows, file_format):
    own = windows.read("AAA")
    again = decoded(windows, ENCODERS[file_format](own, windows.facts), file_format)
    for field in fields(SymbolWindows):
        if field.name != "scalers":
            one, two = getattr(own, field.name), getattr(again, field.name)
            assert one.dtype == two.dtype
            assert one.tobytes() == two.tobytes()
    assert own.scalers.keys() == again.scalers.keys()
    for key, scaler in own.scalers.items():
        for name in ("center", "width"):
            np.testing.assert_array_equal(getattr(scaler, name), getattr(again.scalers[key], name))
        assert scaler.is_capped == again.scalers[key].is_capped
        assert scaler.target_width == again.scalers[key].target_width


def test_numpy_alone_reads_the_arrays_and_the_json_scales_them(windows):
    """What the page says to who has no nextclose."""
    own = windows.read("AAA")
    file = np.load(io.BytesIO(npz_bytes(own, windows.facts)), allow_pickle=False)
    scaler = json.loads(scalers_bytes(own.scalers, windows.facts))["scalers"][0]
    train = file["part"][scaler["fold"], :, 0] == 1
    x = (file["x"][train] - np.float32(scaler["center"])) / np.float32(scaler["width"])
    if scaler["cap"] is not None:
        x = np.nan_to_num(np.clip(x, -scaler["cap"], scaler["cap"]))
    np.testing.assert_array_equal(x, windows.of("AAA", horizon=1, fold=0).train.x)


def test_polars_alone_reads_the_table(windows):
    own = windows.read("AAA")
    frame = pl.read_parquet(io.BytesIO(parquet_bytes(own, windows.facts)))
    assert frame.columns[:6] == ["origin", "close", "scale", "x", "y_1", "resolved_1"]
    assert frame["x"].dtype == pl.Array(pl.Float32, 60 * 41)
    assert frame["origin"].dtype == pl.Date
    np.testing.assert_array_equal(frame["part_0_7"], own.part[0, :, 1])


def test_a_column_that_training_does_not_know_is_null(windows):
    own = windows.read("AAA")
    (key, scaler), *_ = own.scalers.items()
    center = scaler.center.copy()
    center[3] = np.nan
    content = scalers_bytes({key: replace(scaler, center=center)}, windows.facts)
    assert json.loads(content)["scalers"][0]["center"][3] is None
    np.testing.assert_array_equal(scalers_of(content, windows.facts)[key].center, center)


def test_an_array_of_another_shape_or_type_is_no_window(windows):
    own = windows.read("AAA")
    for changed in (
        replace(own, x=own.x[:, 1:]),
        replace(own, x=own.x.astype(np.float64)),
        replace(own, part=own.part[:1]),
        replace(own, part=own.part + 9),
        replace(own, close=own.close[:-1]),
    ):
        with pytest.raises(ValueError, match=r"not|parts|more than"):
            decoded(windows, npz_bytes(changed, windows.facts), "npz")


def test_an_archive_that_would_grow_without_end_is_not_unpacked(windows):
    own = windows.read("AAA")
    large = replace(own, x=np.zeros((len(own.x) * 20, *own.x.shape[1:]), dtype=np.float32))
    with pytest.raises(ValueError, match="x unpacks to more than"):
        decoded(windows, npz_bytes(large, windows.facts), "npz")


def test_an_array_of_objects_is_never_loaded(windows):
    own = windows.read("AAA")
    objects = replace(own, close=np.full(len(own.close), None))
    with pytest.raises(ValueError, match="Object arrays cannot be loaded"):
        decoded(windows, npz_bytes(objects, windows.facts), "npz")
