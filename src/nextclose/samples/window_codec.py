"""The windows of one symbol as bytes, and back: arrays as .npz or Parquet, scalers as JSON.

Windows overlap: of 60 sessions 59 are those of the window before. Both formats are compressed, and
take about a fortieth of what the arrays take in memory. Nothing here is a pickle.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from nextclose.samples.parts import PARTS
from nextclose.samples.scaling import CAP
from nextclose.samples.window_facts import WindowFacts
from nextclose.samples.window_scaler import WindowScaler
from nextclose.samples.window_sets import Scalers, SymbolWindows
from nextclose.schema import Floats32

Arrays = Mapping[str, npt.NDArray[Any]]
NAMES = ("x", "y", "origin", "resolved", "close", "scale", "part")
HEADER_BYTES = 1 << 12  # of an array in a .npz; more than any has


def npz_bytes(own: SymbolWindows, facts: WindowFacts) -> bytes:
    """The arrays by their names, for `numpy.load`."""
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {name: getattr(own, name) for name in NAMES}
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def parquet_bytes(own: SymbolWindows, facts: WindowFacts) -> bytes:
    """A row a window: `x` flat (session by session), then `y_1`, `resolved_1`, `part_0_1` ..."""
    flat = own.x.reshape(len(own.x), -1)
    columns = {
        "origin": pl.Series(own.origin),
        "close": pl.Series(own.close),
        "scale": pl.Series(own.scale),
        "x": pl.Series(flat, dtype=pl.Array(pl.Float32, flat.shape[1])),
    }
    for k, horizon in enumerate(facts.horizons):
        columns[f"y_{horizon}"] = pl.Series(own.y[:, k])
        columns[f"resolved_{horizon}"] = pl.Series(own.resolved[:, k])
        for fold in range(len(facts.folds)):
            columns[f"part_{fold}_{horizon}"] = pl.Series(own.part[fold, :, k])
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    return buffer.getvalue()


def windows_of(
    arrays: bytes, scalers: bytes, *, symbol: str, facts: WindowFacts, file_format: str
) -> SymbolWindows:
    """What was written into these bytes.

    Raises: ValueError, or what numpy and polars raise, if they do not hold that.
    """
    n, read = facts.symbols[symbol].windows, DECODERS[file_format]
    shapes = _layout(facts, n=n)
    found = read(arrays, facts, n)
    for name, (dtype, shape) in shapes.items():
        array = found[name]
        if array.dtype != dtype or array.shape != shape:
            raise ValueError(f"{name} is {array.dtype} {array.shape}, not {dtype} {shape}")
    if int(found["part"].max(initial=0)) >= len(PARTS):
        raise ValueError(f"part has a {found['part'].max()}, of {len(PARTS)} parts")
    return SymbolWindows(
        **{name: found[name] for name in NAMES}, scalers=scalers_of(scalers, facts)
    )


def scalers_bytes(scalers: Scalers, facts: WindowFacts) -> bytes:
    """The scalers as JSON, by fold and horizon; null for a column that training does not know."""
    written = [
        {
            "fold": fold,
            "horizon_sessions": facts.horizons[k],
            "center": [None if math.isnan(x) else float(x) for x in scaler.center],
            "width": [float(x) for x in scaler.width],
            "cap": CAP if scaler.is_capped else None,
            "target_center": scaler.target_center,
            "target_width": scaler.target_width,
        }
        for (fold, k), scaler in sorted(scalers.items())
    ]
    return json.dumps({"columns": facts.columns, "scalers": written}, allow_nan=False).encode()


def scalers_of(content: bytes, facts: WindowFacts) -> Scalers:
    """The scalers written in these bytes. Raises: ValueError, KeyError or TypeError."""
    return {
        (part["fold"], facts.horizons.index(part["horizon_sessions"])): WindowScaler(
            center=_column(part["center"], facts),
            width=_column(part["width"], facts),
            is_capped=part["cap"] is not None,
            target_center=float(part["target_center"]),
            target_width=float(part["target_width"]),
        )
        for part in json.loads(content)["scalers"]
    }


def _column(values: list[float | None], facts: WindowFacts) -> Floats32:
    """A value for each column; null is NaN."""
    column = np.array(values, dtype=np.float32)
    if column.shape != (len(facts.columns),):
        raise ValueError(f"{len(values)} values for {len(facts.columns)} columns")
    return column


def _layout(facts: WindowFacts, *, n: int) -> dict[str, tuple[npt.DTypeLike, tuple[int, ...]]]:
    """Type and shape of each array of a symbol with `n` windows."""
    n_horizons = len(facts.horizons)
    day, number = np.dtype("datetime64[D]"), np.dtype(np.float64)
    return {
        "x": (np.dtype(np.float32), (n, facts.window_sessions, len(facts.columns))),
        "y": (number, (n, n_horizons)),
        "origin": (day, (n,)),
        "resolved": (day, (n, n_horizons)),
        "close": (number, (n,)),
        "scale": (number, (n,)),
        "part": (np.dtype(np.uint8), (len(facts.folds), n, n_horizons)),
    }


def _npz_arrays(content: bytes, facts: WindowFacts, n: int) -> Arrays:
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        for name, (dtype, shape) in _layout(facts, n=n).items():
            most = math.prod(shape) * np.dtype(dtype).itemsize + HEADER_BYTES
            if file.zip.getinfo(f"{name}.npy").file_size > most:  # before it is unpacked
                raise ValueError(f"{name} unpacks to more than {most} bytes")
        return {name: file[name] for name in NAMES}


def _parquet_arrays(content: bytes, facts: WindowFacts, n: int) -> Arrays:
    frame = pl.read_parquet(io.BytesIO(content))
    columns = {name: [frame[f"{name}_{h}"] for h in facts.horizons] for name in ("y", "resolved")}
    part = [
        np.stack([frame[f"part_{fold}_{h}"].to_numpy() for h in facts.horizons], axis=1)
        for fold in range(len(facts.folds))
    ]
    return {
        "x": frame["x"].to_numpy().reshape(n, facts.window_sessions, len(facts.columns)),
        "y": np.stack([column.to_numpy() for column in columns["y"]], axis=1),
        "origin": frame["origin"].to_numpy().astype("datetime64[D]"),
        "resolved": np.stack(
            [column.to_numpy().astype("datetime64[D]") for column in columns["resolved"]], axis=1
        ),
        "close": frame["close"].to_numpy(),
        "scale": frame["scale"].to_numpy(),
        "part": np.stack(part),
    }


ENCODERS: Mapping[str, Callable[[SymbolWindows, WindowFacts], bytes]] = {
    "npz": npz_bytes,
    "parquet": parquet_bytes,
}
DECODERS: Mapping[str, Callable[[bytes, WindowFacts, int], Arrays]] = {
    "npz": _npz_arrays,
    "parquet": _parquet_arrays,
}
