"""A forecast that a bundle carries with it, to be made again at every load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from nextclose.backtesting.forecasts import log_quantiles
from nextclose.data.bars import latest_segments
from nextclose.errors import BundleError, ConfigError, NotEnoughDataError
from nextclose.features.columns import Feature
from nextclose.features.masks import MASKS
from nextclose.features.table import MAIN, NO_FEATURES, make_table, own_values
from nextclose.models.protocol import Fitted
from nextclose.models.registry import OURS
from nextclose.models.state import State
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.splits import outsider_view
from nextclose.schema import BAR_COLUMNS, MASK_COLUMNS, Bars, Floats, Ints, News
from nextclose.serving.bundle import PORTABLE, Bundle, Manifest

OWN = "own."  # before the name of a feature of the user's own, in the golden arrays


def samples_for(
    bars: Bars, manifest: Manifest, features: Mapping[str, Feature] = NO_FEATURES
) -> Samples:
    """The samples that a served model reads; `features` are the user's own columns."""
    masks = (MASKS,) if reads_masks(manifest) else ()
    table = make_table(
        bars,
        families=(MAIN, *masks),
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


def reads_masks(manifest: Manifest) -> bool:
    """Whether halted, spiked and filled bars are among the features."""
    return set(MASK_COLUMNS) <= set(manifest.features)


def latest_rows(samples: Samples) -> Ints:
    """The newest row of every symbol. Shape (symbol,)."""
    symbol = samples.table.symbol[samples.segments[:, 0]]
    is_latest = np.append(symbol[1:] != symbol[:-1], True)
    return np.asarray(samples.segments[is_latest, 1] - 1)


def golden_example(
    fitted: Fitted, bars: Bars, manifest: Manifest, features: Mapping[str, Feature] = NO_FEATURES
) -> State:
    """The bars of one forecast of the first symbol that has one, and that forecast.

    Of the symbols that end last: one that ended before the fit may not be forecast.
    Raises: NotEnoughDataError if the model forecasts none of them.
    """
    frame = latest_segments(bars.frame)
    symbols = frame.group_by("symbol").agg(pl.len(), pl.col("session").max())
    enough = pl.col("len") >= manifest.min_rows
    latest = symbols.filter(enough).filter(pl.col("session") == pl.col("session").max())
    for symbol in latest["symbol"].sort():
        last = frame.filter(pl.col("symbol") == symbol).tail(manifest.min_rows)
        own = Bars(frame=last, news=_news_about(symbol, bars.news))
        samples = samples_for(own, manifest, features)
        quantiles, _ = log_quantiles(fitted, samples, latest_rows(samples))
        if np.isfinite(quantiles).all():
            golden = _golden(own, quantiles, masks=MASK_COLUMNS if reads_masks(manifest) else ())
            whole = Bars(frame=frame.filter(pl.col("symbol") == symbol))
            values = {OWN + name: each for name, each in own_values(own, features).items()}
            _refuse_longer_memory(own_values(whole, features), own_values(own, features))
            return replace(golden, arrays={**golden.arrays, **values})
    raise NotEnoughDataError(
        f"the model forecasts none of {len(latest)} symbols at the last session. "
        "Fix: give more history.",
        needed=1,
        found=0,
    )


def _news_about(symbol: str, news: News | None) -> News | None:
    return news and replace(news, frame=news.frame.filter(pl.col("symbol") == symbol))


def _golden(bars: Bars, quantiles: Floats, *, masks: Sequence[str]) -> State:
    """One symbol's bars, its news if it has any, and their forecast, fit to be written down."""
    frame = bars.frame
    arrays: dict[str, Any] = {
        name: frame[name].to_numpy().astype(np.float64)
        for name in (*BAR_COLUMNS[2:], *masks)
        if name in frame.columns
    }
    arrays["session"] = _day_numbers(frame)
    arrays["quantiles"] = quantiles
    if bars.news is not None:
        arrays["news_session"] = _day_numbers(bars.news.frame)
        arrays["news_score"] = bars.news.frame["score"].to_numpy()
    return State(arrays=arrays, facts={"symbol": bars.symbols[0]})


def _day_numbers(frame: pl.DataFrame) -> Ints:
    return np.asarray(frame["session"].to_numpy().astype("datetime64[D]").astype(np.int64))


def _news_of(golden: State, manifest: Manifest) -> News | None:
    if manifest.news is None:
        return None
    session = golden.arrays["news_session"].astype("datetime64[D]")
    score = golden.arrays["news_score"]
    columns = {"symbol": [golden.facts["symbol"]] * len(score), "session": session, "score": score}
    frame = pl.DataFrame(
        columns, schema={"symbol": pl.String, "session": pl.Date, "score": pl.Float64}
    )
    cutoff = manifest.news.cutoff_minutes
    return News(frame=frame, scorer=manifest.scorer, cutoff_minutes=cutoff)


def _frame_of(golden: State) -> pl.DataFrame:
    names = (*BAR_COLUMNS[2:], *MASK_COLUMNS)
    columns = {name: golden.arrays[name] for name in names if name in golden.arrays}
    session = golden.arrays["session"].astype("datetime64[D]")
    return pl.DataFrame(
        {"symbol": [golden.facts["symbol"]] * len(session), "session": session} | columns
    )


def _refuse_longer_memory(whole: Mapping[str, Floats], tail: Mapping[str, Floats]) -> None:
    """Refuse own columns that say something else of the last bars than of all.

    Raises: ConfigError naming the first.
    """
    for name, values in tail.items():
        if not np.allclose(values, whole[name][-len(values) :], rtol=PORTABLE):
            raise ConfigError(
                f"feature {name!r} looks back further than its lookback_sessions: on the last bars "
                "alone it is another. Fix: raise lookback_sessions, or give it a finite memory.",
                section="features",
            )


def refuse_other_features(bundle: Bundle, *, path: str) -> None:
    """Refuse own columns that say something else of the golden bars than they did at training.

    Raises: BundleError naming the first.
    """
    bars = Bars(frame=_frame_of(bundle.golden))
    for name, values in own_values(bars, bundle.features).items():
        stored = bundle.golden.arrays.get(OWN + name, np.empty(0))
        if stored.shape != values.shape or not np.allclose(values, stored, rtol=PORTABLE):
            raise BundleError(
                path=path,
                found=f"a feature {name!r} that gives other values than it did at training",
                expected="the one it was trained with",
                fix=f"hand over that function and look-back as {name!r}, or train again.",
            )


def replay(bundle: Bundle) -> tuple[Floats, Floats]:
    """The golden forecast as stored and as made anew.

    Raises: ValueError if its bars are not the rows that one forecast needs, up to the fit.
    """
    frame, manifest = _frame_of(bundle.golden), bundle.manifest
    if (frame.height, str(frame["session"][-1])) != (manifest.min_rows, manifest.fitted_at):
        raise ValueError(f"{frame.height} golden bars up to {frame['session'][-1]}")
    bars = Bars(frame=frame, news=_news_of(bundle.golden, manifest))
    samples = samples_for(bars, manifest, bundle.features)
    quantiles, _ = log_quantiles(bundle.fitted, samples, latest_rows(samples))
    return np.asarray(bundle.golden.arrays["quantiles"]), quantiles
