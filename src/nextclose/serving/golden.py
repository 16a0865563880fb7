"""Forecasts that a bundle carries with it, one of each symbol, to be made again at every load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from nextclose.backtesting.forecasts import log_quantiles
from nextclose.data.segments import latest_segments
from nextclose.errors import BundleError, ConfigError, NotEnoughDataError
from nextclose.features.columns import Feature
from nextclose.features.masks import MASKS
from nextclose.features.table import (
    MAIN,
    NO_FEATURES,
    bar_columns_of,
    make_table,
    own_values,
)
from nextclose.features.universal import FAMILY as UNIVERSAL_FAMILY
from nextclose.features.universal import INPUTS
from nextclose.models.lstm.lstm import LSTM_SILENCE
from nextclose.models.protocol import Fitted
from nextclose.models.registry import LSTM, OURS
from nextclose.models.state import State, names_in
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.splits import outsider_view
from nextclose.schema import BAR_COLUMNS, MASK_COLUMNS, Bars, Floats, Ints, News
from nextclose.serving.bundle import PORTABLE, Bundle
from nextclose.serving.latest_bars import latest_rows
from nextclose.serving.manifest import Manifest

OWN = "own."  # before the name of a feature of the user's own, in the golden arrays
WEEKS_AFTER = 4  # from the fit to a golden forecast, where a symbol has the rows
MISSING = "missing."  # before the name of a bar's column, where cells of it have no value


def samples_for(
    bars: Bars, manifest: Manifest, features: Mapping[str, Feature] = NO_FEATURES
) -> Samples:
    """The samples that a served model reads; `features` are the user's own columns.

    To a model of ours a column of bars that is not there is one that is missing in every row: a
    symbol alone is forecast as it is beside others that have it.
    """
    masks = (MASKS,) if reads_masks(manifest) else ()
    universal = () if set(INPUTS).isdisjoint(manifest.features) else (UNIVERSAL_FAMILY,)
    absent = _needed_bars(manifest, features) - set(bars.frame.columns)
    if absent and manifest.model in OURS:
        empty = [pl.lit(None, dtype=pl.Float64).alias(name) for name in sorted(absent)]
        bars = replace(bars, frame=bars.frame.with_columns(empty))
    table = make_table(
        bars,
        families=(*universal, MAIN, *masks),
        own=features,
        market=manifest.market,
        news=manifest.news,
    )
    samples = make_samples(table, horizons=manifest.horizons)
    if manifest.model in OURS:
        return samples
    if table.names != manifest.features:  # it may read them by their place
        missing = sorted(set(manifest.features) - set(table.names))
        raise ConfigError(
            f"the bundle's model was trained with features that these bars do not give: "
            f"{', '.join(missing[:5])}. Fix: give bars with the same columns as in training."
        )
    return outsider_view(samples, known_at=np.datetime64(manifest.fitted_at))


def served_names(
    bars: Bars, manifest: Manifest, features: Mapping[str, Feature] = NO_FEATURES
) -> tuple[str, ...]:
    """The columns that a served model's table has: those of its training that it may read."""
    own = Bars(frame=bars.frame.head(1), news=bars.news)
    return samples_for(own, manifest, features).table.names


def _needed_bars(manifest: Manifest, features: Mapping[str, Feature]) -> set[str]:
    """The columns of bars that the features it was trained with read, besides close."""
    own = {name: features[name] for name in manifest.own}
    return bar_columns_of(manifest.features, own)


def reads_masks(manifest: Manifest) -> bool:
    """Whether what is odd about a bar is among the features."""
    return not set(MASK_COLUMNS).isdisjoint(manifest.features)


def golden_example(
    fitted: Fitted, bars: Bars, manifest: Manifest, features: Mapping[str, Feature] = NO_FEATURES
) -> State:
    """The bars of one forecast of each symbol that has one, and these forecasts.

    Their days are moved by whole weeks, to end up to four weeks after the fit: a symbol that ended
    before it may not be forecast from there, and what a model does from the fit on shows too.
    Raises: NotEnoughDataError if the model forecasts none of them.
    """
    last, weeks = _moved_bars(bars, manifest)
    symbols = last["symbol"].unique(maintain_order=True).to_list()
    n_symbols = len(symbols)
    while symbols:
        own = Bars(
            frame=last.filter(pl.col("symbol").is_in(symbols)),
            news=_moved_news(bars.news, weeks.filter(pl.col("symbol").is_in(symbols))),
        )
        samples = samples_for(own, manifest, features)
        quantiles, _ = log_quantiles(fitted, samples, latest_rows(samples))
        is_finite = np.asarray(np.isfinite(quantiles).all(axis=(1, 2)))
        if is_finite.all():
            odd = [name for name in MASK_COLUMNS if name in own.frame.columns]
            marked = [name for name in odd if own.frame[name].any()]  # they say whose range counts
            masks = MASK_COLUMNS if reads_masks(manifest) else marked
            golden = _golden(own, quantiles, min_rows=manifest.min_rows, masks=masks)
            values = _own_columns(own, features)
            _refuse_longer_memory(_own_columns(_latest_bars(bars, symbols), features), values)
            arrays = {OWN + name: _stored(by_symbol) for name, by_symbol in values.items()}
            return replace(golden, arrays={**golden.arrays, **arrays})
        symbols = [name for name, is_kept in zip(symbols, is_finite, strict=True) if is_kept]
    cure = LSTM_SILENCE if manifest.model == LSTM else "Fix: give more history."
    raise NotEnoughDataError(
        f"the model forecasts none of {n_symbols} symbols at the last session. {cure}",
        needed=1,
        found=0,
    )


def _moved_bars(bars: Bars, manifest: Manifest) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The last bars of each symbol that has enough, moved, and by how many weeks: symbol, weeks."""
    frame = latest_segments(bars.frame)
    fitted_at = pl.lit(date.fromisoformat(manifest.fitted_at))
    weeks = (
        frame.group_by("symbol", maintain_order=True)
        .agg(pl.len().alias("n"), pl.col("session").max().alias("last"))
        .filter(pl.col("n") >= manifest.min_rows)
        .select(
            "symbol",
            after=((pl.col("n").cast(pl.Int64) - manifest.min_rows) // 7).clip(0, WEEKS_AFTER),
            before=-((pl.col("last") - fitted_at).dt.total_days() // 7),
        )
        .select("symbol", "after", weeks=pl.col("before") + pl.col("after"))
    )
    place = pl.int_range(pl.len()).reverse().over("symbol")  # 0: the newest bar
    kept = place < manifest.min_rows + 7 * pl.col("after")
    moved = frame.drop("segment", strict=False).join(weeks, on="symbol", maintain_order="left")
    return moved.filter(kept).with_columns(_moved_days()).drop("after", "weeks"), weeks


def _moved_days() -> pl.Expr:
    return (pl.col("session") + pl.duration(days=7 * pl.col("weeks"))).cast(pl.Date)


def _moved_news(news: News | None, weeks: pl.DataFrame) -> News | None:
    if news is None:
        return None
    moved = news.frame.join(weeks, on="symbol", maintain_order="left").with_columns(_moved_days())
    return replace(news, frame=moved.drop("after", "weeks"))


def _latest_bars(bars: Bars, symbols: Sequence[str]) -> Bars:
    """The latest segments of these symbols."""
    frame = latest_segments(bars.frame).filter(pl.col("symbol").is_in(symbols))
    return Bars(frame=frame.drop("segment", strict=False))


def _own_columns(bars: Bars, features: Mapping[str, Feature]) -> dict[str, dict[str, Floats]]:
    """What own columns say of each symbol's bars: feature -> symbol -> values."""
    columns: dict[str, dict[str, Floats]] = {}
    if features:
        for (symbol,), frame in bars.frame.group_by("symbol", maintain_order=True):
            for name, values in own_values(Bars(frame=frame), features).items():
                columns.setdefault(name, {})[str(symbol)] = values
    return columns


def _stored(by_symbol: Mapping[str, Floats]) -> Floats:
    """An own column of all symbols; what it does not know stands as 0."""
    return np.asarray(np.nan_to_num(np.concatenate([*by_symbol.values()])))


def _golden(bars: Bars, quantiles: Floats, *, min_rows: int, masks: Sequence[str]) -> State:
    """Bars, their news if there are any, and their forecasts, as a state.

    A cell without a value stands as 0 and is marked, for a state holds no NaN.
    """
    frame = bars.frame
    arrays: dict[str, Any] = {}
    for name in filter(frame.columns.__contains__, (*BAR_COLUMNS[2:], *masks)):
        values = frame[name].cast(pl.Float64)
        arrays[name] = values.fill_null(0.0).to_numpy()
        if values.null_count():
            arrays[MISSING + name] = values.is_null().to_numpy().astype(np.uint8)
    lengths = frame["symbol"].rle().struct.field("len").to_numpy().astype(np.int64)
    arrays["weeks_after"] = (lengths - min_rows) // 7
    arrays["session"] = _day_numbers(frame)
    arrays["quantiles"] = quantiles
    if bars.news is not None:
        place = {name: k for k, name in enumerate(bars.symbols)}
        items = bars.news.frame
        arrays["news_symbol"] = np.array([place[name] for name in items["symbol"]], dtype=np.int64)
        arrays["news_session"] = _day_numbers(items)
        arrays["news_score"] = items["score"].to_numpy()
    return State(arrays=arrays, facts={"symbols": list(bars.symbols)})


def _day_numbers(frame: pl.DataFrame) -> Ints:
    return np.asarray(frame["session"].to_numpy().astype("datetime64[D]").astype(np.int64))


def _news_of(golden: State, manifest: Manifest) -> News | None:
    if manifest.news is None:
        return None
    columns = {
        "symbol": np.array(golden_symbols(golden))[golden.arrays["news_symbol"]],
        "session": golden.arrays["news_session"].astype("datetime64[D]"),
        "score": golden.arrays["news_score"],
    }
    frame = pl.DataFrame(
        columns, schema={"symbol": pl.String, "session": pl.Date, "score": pl.Float64}
    )
    cutoff = manifest.news.cutoff_minutes
    return News(frame=frame, scorer=manifest.scorer, cutoff_minutes=cutoff)


def golden_symbols(golden: State) -> tuple[str, ...]:
    """The symbols of the golden forecasts.

    Raises: ValueError for a state that names none, or one twice.
    """
    symbols = names_in(golden.facts, "symbols")
    if not symbols or set(golden.facts) != {"symbols"}:
        raise ValueError("golden bars of no symbol, or other facts")
    return symbols


def golden_bars(golden: State, manifest: Manifest) -> Bars:
    """The bars of the golden forecasts, with their news.

    Raises: ValueError if they are not the rows that one forecast of each symbol needs, up to the
        fit or soon after it.
    """
    symbols, after = golden_symbols(golden), golden.arrays["weeks_after"]
    session = golden.arrays["session"].astype("datetime64[D]")
    if after.shape != (len(symbols),) or after.min() < 0 or after.max() > WEEKS_AFTER:
        raise ValueError(f"{len(session)} golden bars of {len(symbols)} symbols")
    length = manifest.min_rows + 7 * after.astype(np.int64)
    if len(session) != length.sum():
        raise ValueError(f"{len(session)} golden bars, {length.sum()} expected")
    end = np.datetime64(manifest.fitted_at) + 7 * after
    late = (session[np.cumsum(length) - 1] - end).astype(np.int64)  # days
    if late.min() < 0 or late.max() >= 7:
        raise ValueError(f"golden bars up to {session.max()}")
    columns: dict[str, Any] = {"symbol": np.repeat(symbols, length), "session": session}
    for name in (*BAR_COLUMNS[2:], *MASK_COLUMNS):
        if name in golden.arrays:
            values = pl.Series(name, golden.arrays[name])
            if MISSING + name in golden.arrays:
                is_missing = pl.Series(golden.arrays[MISSING + name] != 0)
                values = values.to_frame().select(pl.when(~is_missing).then(name)).to_series()
            columns[name] = values != 0 if name in MASK_COLUMNS else values
    return Bars(frame=pl.DataFrame(columns), news=_news_of(golden, manifest))


def _refuse_longer_memory(
    whole: Mapping[str, Mapping[str, Floats]], tail: Mapping[str, Mapping[str, Floats]]
) -> None:
    """Refuse own columns that say something else of the last bars than of all.

    Raises: ConfigError naming the first.
    """
    for name, by_symbol in tail.items():
        for symbol, values in by_symbol.items():
            known = whole[name][symbol][len(whole[name][symbol]) - len(values) :]
            if not np.allclose(values, known, rtol=PORTABLE, equal_nan=True):
                raise ConfigError(
                    f"feature {name!r} looks back further than its lookback_sessions: on the last "
                    f"bars of {symbol} alone it is another. Fix: raise lookback_sessions, or give "
                    "it a finite memory.",
                    section="features",
                )


def refuse_other_features(bundle: Bundle, *, path: str) -> None:
    """Refuse own columns that say something else of the golden bars than they did at training.

    Raises: BundleError naming the first.
    """
    bars = golden_bars(bundle.golden, bundle.manifest)
    for name, by_symbol in _own_columns(bars, bundle.features).items():
        values = _stored(by_symbol)
        stored = bundle.golden.arrays.get(OWN + name, np.empty(0))
        if stored.shape != values.shape or not np.allclose(values, stored, rtol=PORTABLE):
            raise BundleError(
                path=path,
                found=f"a feature {name!r} that gives other values than it did at training",
                expected="the one it was trained with",
                fix=f"hand over that function and look-back as {name!r}, or train again.",
            )


def replay(bundle: Bundle) -> tuple[Floats, Floats]:
    """The golden forecasts as stored and as made anew. Shape (symbol, horizon, level).

    Raises: ValueError for bars that are not those of one forecast each, or whose features are not
        those that the manifest names.
    """
    manifest = bundle.manifest
    bars = golden_bars(bundle.golden, manifest)
    if absent := _needed_bars(manifest, bundle.features) - set(bars.frame.columns):
        raise ValueError(f"golden bars without {', '.join(sorted(absent))}")
    samples = samples_for(bars, manifest, bundle.features)
    if samples.table.names != manifest.features:
        raise ValueError("features that its golden bars do not give")
    quantiles, _ = log_quantiles(bundle.fitted, samples, latest_rows(samples))
    return np.asarray(bundle.golden.arrays["quantiles"]), quantiles
