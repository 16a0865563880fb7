"""Which of a run's forecasts a picture is of: a symbol, a model, horizons, and one day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from nextclose.arguments import refuse_other
from nextclose.errors import ConfigError


def chosen_forecasts(
    forecasts: pl.DataFrame, asked: Mapping[str, str], ahead: Sequence[int]
) -> pl.DataFrame:
    """The forecasts of the symbol and the model that are asked for, at these horizons.

    Raises: ConfigError naming what there is instead.
    """
    rows = forecasts
    for column, value in asked.items():
        named = sorted(rows[column].unique())
        if value not in named:
            raise ConfigError(
                f"there is no forecast of the {column} {value!r:.40}. "
                f"Fix: give {column}= one of {', '.join(map(repr, named[:12]))}."
            )
        rows = rows.filter(pl.col(column) == value)
    known = sorted(rows["horizon_sessions"].unique())
    if others := sorted({*ahead} - {*known}):
        raise ConfigError(
            f"there is no forecast of {asked['symbol']} {others[0]} sessions ahead. "
            f"Fix: give horizon= one of {', '.join(map(str, known))}."
        )
    return rows.filter(pl.col("horizon_sessions").is_in(list(ahead)))


def shown_origin(rows: pl.DataFrame, origin: date | None) -> date:
    """The last day up to `origin`; without one the newest of which every outcome is known.

    Raises: ConfigError if there is none.
    """
    refuse_other(origin, date, argument="origin", fix="give date(2012, 3, 1)", is_optional=True)
    days = rows.group_by("origin").agg(pl.col("target").is_not_null().all().alias("is_known"))
    if origin is None:
        usable = days.filter("is_known")
        usable = usable if usable.height else days
    else:
        usable = days.filter(pl.col("origin") <= origin)
        if not usable.height:
            raise ConfigError(
                f"there is no forecast up to {origin}. "
                f"Fix: give an origin from {min(days['origin'])} to {max(days['origin'])}."
            )
    day: date = max(usable["origin"])
    return day
