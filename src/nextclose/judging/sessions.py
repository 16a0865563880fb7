"""Forecasts placed on the sessions of their symbols: origin, target and what came. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from nextclose.judging.bar_positions import Calendar
from nextclose.judging.cells import is_early
from nextclose.judging.submission import Diagnosis, Submission, refused
from nextclose.schema import Ints

FEW = 0.2  # share of dates without a session up to which these rows are left out, and it is said
LONGEST_BREAK = 7  # calendar days from the last close to an origin that is no session
WINDOW = 60  # rows of a symbol up to which targets of some formats are one forecast
ONE_WINDOW = ("nixtla", "autogluon")  # their plain predictions: one origin, no column for it
WEEKENDS = 0.1  # share of targets on days off from which on the horizon was counted in days


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placed:
    """Rows of a submission that stand on sessions. Arrays have one entry for each of `rows`.

    `target` is -1 where the session is still to come.
    """

    rows: Ints  # of the submission
    origin: Ints  # position of the bar
    target: Ints
    horizon: Ints  # sessions
    diagnoses: tuple[Diagnosis, ...]


def placed(given: Submission, calendar: Calendar, *, horizon: int | None) -> Placed:
    """The submission's rows on the calendar; what stands on no session is left out, and said.

    With both dates the horizon is counted in sessions between them. With targets alone it is
    `horizon`, or one session, and said. Symbols without prices are refused, as are origins after
    the last bar, and more than a few dates that are no session.
    """
    _refuse_unknown_symbols(given, calendar)
    places, notes = given.places, list[Diagnosis]()
    has_origin, has_target = (places[name].null_count() == 0 for name in ("origin", "target"))
    ahead = places["horizon"].fill_null(horizon or 0).to_numpy().astype(np.int64)
    if horizon is not None and places["horizon"].null_count() == places.height:
        ahead[:] = horizon
    rows = np.arange(places.height)
    last = dict(calendar.frame.group_by("symbol").agg(pl.col("session").max()).iter_rows())
    if has_origin:
        origin, is_kept = _positions(given, calendar, "origin", last, notes)
        if has_target:
            target = _found(places, calendar, "target")
            is_future = _is_after(places, "target", last)
            target, off = _counted_days(given, target, ~is_future & is_kept, notes)
            is_kept &= ~off
            counted = np.where(target >= 0, target - origin, ahead)
            _note_horizons(given, places, counted, ahead, (target >= 0) & is_kept, notes)
            backwards = is_kept & (target >= 0) & (counted < 1)
            if backwards.any():
                raise refused("a target that is not after its origin", expected="origin < target",
                              fix="give the last known close as origin.", where=given.source,
                              row=_first_row(places, backwards))  # fmt: skip
            ahead = counted
            is_kept &= ahead >= 1
        elif not (ahead >= 1).all():
            ahead = np.where(ahead < 1, 1, ahead)
            notes.append(_assumed(given, "origin"))
        safe = np.where(is_kept, origin, -1)
        target = calendar.moved(safe, ahead)
    else:
        target, is_kept = _positions(given, calendar, "target", last, notes)
        if not ahead.any() and _is_one_window(given):
            ahead = _steps(places, target, is_kept)
            said = (
                "Without a cutoff the targets of a symbol are one forecast, from the close before."
            )
            notes.append(_note(given, "assumed_window", said, steps=int(ahead.max())))
        elif not (ahead >= 1).all():
            ahead = np.where(ahead < 1, 1, ahead)
            notes.append(_assumed(given, "target date"))
        origin = calendar.moved(np.where(is_kept, target, -1), -ahead)
        is_kept &= origin >= 0
    if not is_kept.any():
        raise refused("no forecast that starts from a bar", expected="dates within the prices",
                      fix="give prices that reach over the forecasts.",
                      where=given.source)  # fmt: skip
    kept = rows[is_kept]
    return _without_repeats(
        given,
        Placed(rows=kept, origin=origin[kept], target=target[kept], horizon=ahead[kept],
               diagnoses=tuple(notes)),
    )  # fmt: skip


def _is_one_window(given: Submission) -> bool:
    """Whether targets alone are steps of one forecast: what `predict` of some libraries gives."""
    most = given.places.group_by("symbol").len()["len"].max()
    return given.form in ONE_WINDOW and isinstance(most, int) and most <= WINDOW


def _steps(places: pl.DataFrame, target: Ints, is_kept: np.ndarray) -> Ints:
    """Sessions from the one before a symbol's first target. Shape (row,)."""
    at = pl.Series("at", np.where(is_kept, target, np.iinfo(np.int64).max))
    frame = places.select("symbol").with_columns(at)
    first = frame.select(pl.col("at").min().over("symbol")).to_series().to_numpy()
    return np.where(is_kept, target - first + 1, 1)


def _refuse_unknown_symbols(given: Submission, calendar: Calendar) -> None:
    known = calendar.frame["symbol"].unique()
    if given.places["symbol"].null_count():
        raise refused("no column of symbols", expected=f"the symbol, as {len(known)} have prices",
                      fix="say symbol='AAPL' (--symbol), or add a column 'symbol'.",
                      where=given.source)  # fmt: skip
    unknown = given.places.filter(~pl.col("symbol").is_in(known.implode()))
    if unknown.height:
        names = unknown["symbol"].unique().sort().to_list()
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise refused(f"symbols without prices: {', '.join(names[:3])}{more}",
                      expected=f"symbols as {', '.join(known.sort().to_list()[:3])}",
                      fix="give their prices, or leave their forecasts out.",
                      where=given.source, row=int(unknown["row"][0]))  # fmt: skip


def _found(places: pl.DataFrame, calendar: Calendar, name: str) -> Ints:
    """Positions of the dates in a column; -1 for no session."""
    keys = places.select("symbol", pl.col(name).alias("session"))
    joined = keys.join(calendar.frame, on=["symbol", "session"], how="left", maintain_order="left")
    return joined["at"].fill_null(-1).to_numpy().astype(np.int64)


def _is_after(places: pl.DataFrame, name: str, last: dict[str, object]) -> np.ndarray:
    ends = places["symbol"].replace_strict(last, return_dtype=pl.Date)
    return np.asarray((places[name] > ends).to_numpy(), dtype=np.bool_)


def _positions(
    given: Submission,
    calendar: Calendar,
    name: str,
    last: dict[str, object],
    notes: list[Diagnosis],
) -> tuple[Ints, np.ndarray]:
    """Positions of the dates, and which rows have one.

    Raises: ForecastsError for dates after the last bar (of origins any, of targets all), and where
        more than a few are no session.
    """
    places = given.places
    day = places[name].min()
    if is_early(day):  # type: ignore[arg-type]
        raise refused(str(day), expected="dates from 1900 on",
                      fix="write dates as YYYY-MM-DD: a counter was taken for one.",
                      where=given.source, column=name)  # fmt: skip
    at, is_future = _found(places, calendar, name), _is_after(places, name, last)
    if is_future.any() and (name == "origin" or is_future.all()):
        row = int(np.flatnonzero(is_future)[0])
        late = f"{name} {places[name][row]}, after the last price of {places['symbol'][row]}"
        raise refused(late,
                      expected="forecasts of days that have prices",
                      fix="give newer prices, or older forecasts.", where=given.source,
                      row=int(places["row"][row]))  # fmt: skip
    if is_future.any():
        n = int(is_future.sum())
        said = f"{n:,} targets are after the last price: these are not judged yet."
        notes.append(_note(given, "still_open", said, rows=n))
    if name == "origin":
        at = _last_closes(given, calendar, at, notes)
    at, off = _counted_days(given, at, ~is_future, notes, is_target=name == "target")
    return at, (at >= 0) & ~off & ~is_future


def _last_closes(given: Submission, calendar: Calendar, at: Ints, notes: list[Diagnosis]) -> Ints:
    """The positions; of an origin without a bar that of the last close before it, and said."""
    if not (at < 0).any():
        return at
    days = given.places.select("symbol", pl.col("origin").alias("session")).with_row_index("row")
    before = days.sort("session").join_asof(
        calendar.frame.sort("session"), on="session", by="symbol", strategy="backward",
        tolerance=f"{LONGEST_BREAK}d", check_sortedness=False,
    )  # fmt: skip
    moved = before.sort("row")["at"].fill_null(-1).to_numpy().astype(np.int64)
    n = int(((at < 0) & (moved >= 0)).sum())
    if n:
        said = f"{n:,} origins are days without a bar: the last close before them is meant."
        notes.append(_note(given, "origin_moved", said, rows=n))
    return moved


def _counted_days(
    given: Submission,
    at: Ints,
    counts: np.ndarray,
    notes: list[Diagnosis],
    *,
    is_target: bool = True,
) -> tuple[Ints, np.ndarray]:
    """The positions, and which rows are on no session; said if few or weekends, else refused."""
    off = (at < 0) & counts
    if not off.any():
        return at, off
    name = "target" if is_target else "origin"
    places, share = given.places, float(off.sum() / max(counts.sum(), 1))
    weekends = float((places[name].dt.weekday() >= 6).to_numpy()[off].mean())
    if is_target and share > WEEKENDS and weekends > 0.5 and share < 0.6:
        notes.append(
            Diagnosis(
                name="calendar_days",
                model=given.model,
                sentence=f"{100 * share:.0f} % of the targets fall on days without trading: the "
                "horizon was counted in calendar days. These forecasts are left out; the others "
                "are judged by the sessions that lie between.",
                figures={"share": share, "rows": float(off.sum())},
            )
        )
        return at, off
    if share > FEW:
        raise refused(f"{int(off.sum()):,} of {int(counts.sum()):,} dates on which there is no bar",
                      expected="sessions of the prices",
                      fix="give all prices, or date forecasts by session.", where=given.source,
                      row=_first_row(places, off), column=name)  # fmt: skip
    notes.append(_note(given, "no_session", f"{int(off.sum()):,} forecasts have dates without a "
                       f"bar, the first {places[name].filter(pl.Series(off))[0]}: left out.",
                       rows=off.sum()))  # fmt: skip
    return at, off


def _note_horizons(
    given: Submission,
    places: pl.DataFrame,
    counted: Ints,
    said: Ints,
    known: np.ndarray,
    notes: list[Diagnosis],
) -> None:
    """Say where a horizon column counts something else than the sessions between both dates."""
    if places["horizon"].null_count() or not known.any():
        return
    apart = known & (counted != said)
    if not apart.any():
        return
    days = (places["target"] - places["origin"]).dt.total_days().to_numpy()
    if (days[known] == said[known]).mean() > 0.9:
        name, what = "calendar_days", "counts calendar days"
    else:
        name, what = "other_horizon", "differs from the sessions between both dates"
    notes.append(
        Diagnosis(
            name=name,
            model=given.model,
            sentence=f"The horizon {what} in {int(apart.sum()):,} of {int(known.sum()):,} "
            "forecasts: they are judged by the sessions between their dates.",
            figures={"rows": float(apart.sum())},
        )
    )


def _without_repeats(given: Submission, rows: Placed) -> Placed:
    """The rows, each forecast once: equal ones are said, others refused."""
    keys = pl.DataFrame({"o": rows.origin, "h": rows.horizon})
    is_first = keys.select(pl.struct("o", "h").is_first_distinct()).to_series().to_numpy()
    if is_first.all():
        return rows
    first = keys.with_row_index("i").group_by("o", "h").agg(pl.col("i").first())
    twin = keys.join(first, on=["o", "h"], how="left", maintain_order="left")["i"].to_numpy()
    if given.places["origin"].null_count() == 0:  # moved ones: the last issued before the target
        said = keys.with_columns(given.places["origin"][rows.rows].alias("said"))
        newest = said.select(pl.col("said") == pl.col("said").max().over("o", "h")).to_series()
        if not newest.all():
            kept = np.flatnonzero(newest.to_numpy())
            return _without_repeats(given, _some(rows, kept))
    ours = given.values[rows.rows]
    differs = (ours != ours[twin]).any(axis=1)
    n = int((~is_first).sum())
    if differs.any():
        row = int(rows.rows[np.flatnonzero(differs)[0]])
        raise refused(f"a second forecast of {given.places['symbol'][row]} with other values "
                      f"({n:,} such rows)", expected="one per symbol, origin, horizon and model",
                      fix="keep the one issued first, or add an origin column.",
                      where=given.source, row=int(given.places["row"][row]))  # fmt: skip
    note = _note(given, "duplicates", f"{n:,} rows are there twice: each was judged once.", rows=n)
    return replace(_some(rows, np.flatnonzero(is_first)), diagnoses=(*rows.diagnoses, note))


def _some(rows: Placed, kept: Ints) -> Placed:
    """The rows at these positions."""
    return replace(
        rows, rows=rows.rows[kept], origin=rows.origin[kept], target=rows.target[kept],
        horizon=rows.horizon[kept],
    )  # fmt: skip


def _first_row(places: pl.DataFrame, which: np.ndarray) -> int:
    return int(places["row"][int(np.flatnonzero(which)[0])])


def _assumed(given: Submission, what: str) -> Diagnosis:
    return _note(given, "assumed_horizon", f"The forecasts name their {what} alone: they are taken "
                 "to be one session ahead. Say horizon=N if they are not.", horizon=1)  # fmt: skip


def _note(given: Submission, name: str, sentence: str, **figures: float) -> Diagnosis:
    return Diagnosis(
        name=name,
        model=given.model,
        sentence=sentence,
        figures={key: float(value) for key, value in figures.items()},
        is_grave=False,
    )
