"""What the headlines of the last sessions said, symbol by symbol; nothing said is not neutral."""

from __future__ import annotations

import numpy as np
import polars as pl

from nextclose.config import NewsConfig
from nextclose.data.calendars.sessions import session_table
from nextclose.errors import ConfigError
from nextclose.schema import Dates, Floats, News

NEWS = "news"
NEWS_NAMES = ("news_score", "news_count", "has_news")


def news_columns(
    session: Dates, item_session: Dates, item_score: Floats, *, exchange: str, config: NewsConfig
) -> Floats:
    """One symbol's news at each of its sessions. Shape (session, 3), finite.

    An item weighs 1/2 per half-life in sessions of the exchange since the one from which it may be
    used, and nothing from the end of the window on. `news_score` is the weighted mean score,
    `news_count` the logarithm of 1 + the sum of weights, `has_news` 1 if there is any item. With
    none all three are 0: the flag tells that from a neutral score.
    Expects: items in order of their session; of one session in the order in which they were seen.
    Causal: a row reads items of its session and before, as many sessions as the window has.
    """
    table = session_table(exchange)
    place, _ = table.at(session)
    when, _ = table.at(item_session)
    n_days = int(max(place.max(initial=0), when.max(initial=0))) + 1
    items = np.bincount(when, minlength=n_days)  # by session of the exchange
    scores = np.bincount(when, item_score, minlength=n_days)
    weight, total = np.zeros(len(place)), np.zeros(len(place))
    for age in range(config.window_sessions):
        share = 0.5 ** (age / config.half_life_sessions)
        then = np.maximum(place - age, 0)  # no item is of session 0: the count begins at 1
        weight, total = weight + share * items[then], total + share * scores[then]
    has_news = weight > 0
    mean = np.where(has_news, total / np.where(has_news, weight, 1.0), 0.0)
    return np.column_stack([mean, np.log1p(weight), has_news])


def items_of(news: News | None, symbol: str, *, config: NewsConfig) -> tuple[Dates, Floats]:
    """Sessions and scores of one symbol's headlines, (item,) each.

    Raises: ConfigError if there are no news, or they were read with another cut-off.
    """
    if news is None or news.cutoff_minutes != config.cutoff_minutes:
        cutoff = "none are given" if news is None else f"theirs is {news.cutoff_minutes}"
        raise ConfigError(
            f"[news] news with a cut-off of {config.cutoff_minutes} minutes are needed, {cutoff}. "
            "Fix: give them by --news FILE, or with_news(bars, FILE, config=...).",
            section="news",
            key="cutoff_minutes",
        )
    own = news.frame.filter(pl.col("symbol") == symbol)
    return own["session"].to_numpy().astype("datetime64[D]"), own["score"].to_numpy()
