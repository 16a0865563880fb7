"""What a reader of forecasts must know: old bars, symbols never learnt, missing or others now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view

from nextclose.data.calendars.exchanges import exchanges_of
from nextclose.data.calendars.sessions import session_table
from nextclose.data.catalogue import Issue
from nextclose.data.rules.alignment import last_finished_session
from nextclose.formatting import quantity
from nextclose.models.hybrid.hybrid import FittedHybrid
from nextclose.models.loghar.prior import taught_until
from nextclose.models.lstm.lstm import FittedLstm
from nextclose.schema import Bars, Finding, Floats
from nextclose.serving.bundle import Bundle
from nextclose.serving.golden import golden_bars, golden_symbols

N_NAMED = 8  # symbols of one notice
RECORD_SESSIONS = 21  # that ranges may lag behind: a month
SAME_MOVES = 0.05  # mean difference of returns over their mean size: rounding, not another company
# ... beyond which they are another's, each counted up to three mean sizes: a split or two are none
OTHER_MOVES, LARGEST = 0.25, 3.0
NOBODY: Mapping[str, str] = {}
ENOUGH_MOVES = 20  # that tell one company from another


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    """One warning of a kind, and in a word or two what concerns each symbol's own forecast."""

    findings: tuple[Finding, ...]
    notes: Mapping[str, str]


def notices_of(
    bundle: Bundle | None, bars: Bars, forecasts: pl.DataFrame, *, now: datetime
) -> Notices:
    """What there is to know about these forecasts of these bars. `now` is aware of its zone.

    `bundle`: None where they were made without one.
    """
    newest = dict(bars.frame.group_by("symbol").agg(pl.col("session").max()).iter_rows())
    calendar = None if bundle is None else bundle.manifest.data.calendar
    exchange = bars.exchanges or exchanges_of(newest, calendar=calendar)
    due = {code: last_finished_session(code, now) for code in {exchange[name] for name in newest}}
    latest = {
        code: max(last for name, last in newest.items() if exchange[name] == code) for code in due
    }
    resolved = dict(forecasts.group_by("symbol").agg(pl.col("resolved").max()).iter_rows())
    issued = sorted(resolved)
    others = NOBODY if bundle is None else other_companies(bundle, bars, issued)
    learnt = issued if bundle is None else bundle.manifest.symbols
    # whom the bundle's own model could not forecast: too young for it
    young = [] if bundle is None else _not_of(bundle.manifest.model, forecasts)
    known_until = {code: session_table(code).last.item() for code in due}
    old = _old_records(bundle, bars, issued)
    concerned = {
        Issue.STALE_BARS: [name for name in issued if newest[name] < due[exchange[name]]],
        Issue.EARLY_END: [name for name in issued if newest[name] < latest[exchange[name]]],
        Issue.NEVER_LEARNT: [name for name in issued if name not in {*learnt, *young}],
        Issue.CALENDAR_END: [
            name for name in issued if resolved[name] > known_until[exchange[name]]
        ],
        Issue.OTHER_MOVES: list(others),
        Issue.OLD_RECORD: list(old),
    }
    findings = [
        issue.finding(
            _listed(
                names,
                old if issue is Issue.OLD_RECORD else newest,
                others if issue is Issue.OTHER_MOVES else NOBODY,
            ),
            rule=_rule(issue, names, exchange, due),
        )
        for issue, names in concerned.items()
        if names
    ]
    if bundle is not None:
        beforehand = _beforehand(bundle)
        later = _since_training(bundle, bars, newest)
        findings = [*bundle.findings, *beforehand, *findings, *later]
    words = {
        name: [WORDS[issue] for issue, names in concerned.items() if name in names]
        for name in issued
    }
    for name in young:
        words[name].insert(0, "lstm alone")
    notes = {name: "; ".join(said) for name, said in words.items()}
    return Notices(findings=tuple(findings), notes=notes)


def _since_training(bundle: Bundle, bars: Bars, newest: Collection[str]) -> Iterator[Finding]:
    """What is not as it was when the bundle was made: the basis of prices, the symbols there."""
    then = bundle.manifest.basis
    if then != bars.basis:
        yield Issue.OTHER_BASIS.finding(f"{bars.basis} prices, and {then} ones at training")
    if missing := [name for name in bundle.manifest.symbols if name not in newest]:
        renamed = renamed_symbols(bundle, bars, missing)
        names = [f"{m} ({renamed[m]} has its moves)" if m in renamed else m for m in missing]
        yield Issue.MISSING_SYMBOLS.finding(_listed(names))


def _beforehand(bundle: Bundle) -> Iterator[Finding]:
    """What was taught too late for the fit: used all the same, or not."""
    fitted, fitted_at = bundle.fitted, bundle.manifest.fitted_at
    members = (
        fitted.members if isinstance(fitted, FittedHybrid) else {bundle.manifest.model: fitted}
    )
    if {"loghar", "trees"} & {*members} and fitted_at <= taught_until():
        yield Issue.TAUGHT_LATER.finding(f"fitted on {fitted_at}, taught up to {taught_until()}")
    if len(members) > 1:
        for name, member in members.items():
            if isinstance(member, FittedLstm) and not member.networks:
                yield Issue.SILENT_MEMBER.finding(f"{name}, fitted on {fitted_at}")


def _old_records(bundle: Bundle | None, bars: Bars, symbols: Sequence[str]) -> dict[str, date]:
    """Of `symbols` those with more than `RECORD_SESSIONS` bars behind their newest past forecast.

    Each with the session of that.
    """
    recorded = {} if bundle is None else bundle.recorded
    days = {"symbol": recorded.keys(), "day": recorded.values()}
    known = pl.DataFrame(days, schema={"symbol": pl.String, "day": pl.Date})
    since = bars.frame.join(known, on="symbol").filter(pl.col("session") > pl.col("day"))
    counts = dict(since.group_by("symbol").len().iter_rows())
    return {name: recorded[name] for name in symbols if counts.get(name, 0) > RECORD_SESSIONS}


def _not_of(model: str, forecasts: pl.DataFrame) -> list[str]:
    """Symbols that another model than this forecasts."""
    return sorted(forecasts.filter(pl.col("model") != model)["symbol"].unique())


WORDS = {
    Issue.STALE_BARS: "stale",
    Issue.EARLY_END: "ends early",
    Issue.NEVER_LEARNT: "never learnt",
    Issue.CALENDAR_END: "date by weekdays",
    Issue.OTHER_MOVES: "other moves",
    Issue.OLD_RECORD: "old record",
}


def _rule(
    issue: Issue, names: Sequence[str], exchange: Mapping[str, str], due: Mapping[str, date]
) -> str:
    """The rule; of old bars with the day that they should reach."""
    if issue != Issue.STALE_BARS:
        return ""
    days = sorted({due[exchange[name]] for name in names})
    return f"{issue.rule}, {' or '.join(map(str, days))}"


def _listed(
    names: Sequence[str],
    newest: Mapping[str, date] | None = None,
    others: Mapping[str, str] = NOBODY,
) -> str:
    """Some of the symbols, with the sessions of their newest bars, and how many there are.

    `others` names the symbol whose moves one has.
    """
    shown = [f"{name} {newest[name]}" if newest else name for name in names[:N_NAMED]]
    of_others = [
        f" (moves of {others[name]})" if (others or {}).get(name) else "" for name in names
    ]
    shown = [text + other for text, other in zip(shown, of_others, strict=False)]
    more = f" and {len(names) - N_NAMED} more" if len(names) > N_NAMED else ""
    return f"{quantity(len(names), 'symbol')}: {', '.join(shown)}{more}"


def renamed_symbols(bundle: Bundle, bars: Bars, missing: Iterable[str]) -> dict[str, str]:
    """Of the missing symbols those whose moves up to the fit a symbol never learnt has, by name."""
    fitted_at = date.fromisoformat(bundle.manifest.fitted_at)
    learnt = golden_bars(bundle.golden, bundle.manifest).frame
    known = bars.frame.filter(
        pl.col("session") <= fitted_at, ~pl.col("symbol").is_in(bundle.manifest.symbols)
    )
    moves = {str(symbol): _returns(frame) for (symbol,), frame in known.group_by(["symbol"])}
    renamed = {}
    for name in missing:
        wanted = _returns(learnt.filter(pl.col("symbol") == name))
        for other, found in sorted(moves.items()):
            if 0 < len(wanted) <= len(found) and _is_alike(wanted, found[-len(wanted) :]):
                renamed[name] = other
    return renamed


def _returns(frame: pl.DataFrame) -> Floats:
    return np.asarray(np.diff(np.log(frame["close"].to_numpy())))


def _is_alike(one: Floats, two: Floats) -> bool:
    return bool(np.abs(one - two).mean() <= SAME_MOVES * np.abs(one).mean())


def other_companies(bundle: Bundle, bars: Bars, symbols: Sequence[str]) -> dict[str, str]:
    """Of `symbols` those whose moves up to the fit are not those of their training.

    Each with the symbol of the training whose moves they are, "" if of none; that is looked for
    of as many as a notice names. Moves are compared between sessions that both have: a history
    that is scaled anew, or that gained or lost a row, has the same.
    """
    before, learnt = _bars_at_fit(bundle, bars)
    both = before.filter(pl.col("symbol").is_in(symbols)).join(
        learnt, on=("symbol", "session"), maintain_order="left"
    )
    off = _differences(both, by=["symbol", "late"]).group_by("symbol").agg(pl.col("off").min())
    off = off.filter(pl.col("off") > OTHER_MOVES)
    golden = golden_bars(bundle.golden, bundle.manifest).frame
    names = [name for name in sorted(off["symbol"]) if not _is_older_part(name, golden, before)]
    crossed = before.filter(pl.col("symbol").is_in(names[:N_NAMED])).join(
        learnt.rename({"symbol": "other"}), on="session", maintain_order="left"
    )
    by = ["symbol", "other", "late"]
    alike = _differences(crossed.sort(*by, "session"), by=by)
    alike = alike.filter(pl.col("off") <= SAME_MOVES).sort("symbol", "off", descending=True)
    return dict.fromkeys(names, "") | dict(alike.select("symbol", "other").iter_rows())


def _is_older_part(name: str, golden: pl.DataFrame, before: pl.DataFrame) -> bool:
    """Whether a symbol's golden moves are a stretch of those before: its bars had ended early."""
    wanted, moves = (_returns(bars.filter(pl.col("symbol") == name)) for bars in (golden, before))
    if not 0 < len(wanted) <= len(moves):
        return False
    largest = int(np.abs(wanted).argmax())  # where that is found the others are compared
    stretches = sliding_window_view(moves, len(wanted))
    is_near = np.abs(stretches[:, largest] / wanted[largest] - 1.0) <= SAME_MOVES
    return any(_is_alike(wanted, stretch) for stretch in stretches[is_near])


def _bars_at_fit(bundle: Bundle, bars: Bars) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Closes up to the fit, as they are given now and as the golden bars have them.

    Golden days are moved back by as many whole weeks as they were moved when the bundle was made,
    and by one more and one less (`late`): bars may have been a few days behind at the fit, or now.
    """
    fitted_at = date.fromisoformat(bundle.manifest.fitted_at)
    before = bars.frame.filter(pl.col("session") <= fitted_at).select("symbol", "session", "close")
    late = -((pl.col("session").max() - pl.lit(fitted_at)).dt.total_days() // 7)
    weeks = pl.DataFrame(
        {
            "symbol": golden_symbols(bundle.golden),
            "after": bundle.golden.arrays["weeks_after"],
        }
    ).join(before.group_by("symbol").agg(late.alias("late")), on="symbol", how="left")
    weeks = weeks.with_columns(pl.col("late").fill_null(0))
    weeks = pl.concat([weeks.with_columns(pl.col("late") + more) for more in (-1, 0, 1)])
    learnt = weeks.join(
        golden_bars(bundle.golden, bundle.manifest).frame, on="symbol", maintain_order="left_right"
    )
    n_days = 7 * (pl.col("after") + pl.col("late"))
    day = (pl.col("session").cast(pl.Date) - pl.duration(days=n_days)).cast(pl.Date)
    names = ("symbol", "late", day.alias("session"), pl.col("close").alias("learnt"))
    return before, learnt.select(*names)


def _differences(both: pl.DataFrame, *, by: list[str]) -> pl.DataFrame:
    """How far moves are from those learnt, in mean sizes of the latter, where enough are known."""
    moves = both.select(
        *by,
        now=pl.col("close").log().diff().over(by),
        then=pl.col("learnt").log().diff().over(by),
    ).drop_nulls()
    size = pl.col("then").abs().mean()
    off = pl.min_horizontal((pl.col("now") - pl.col("then")).abs(), LARGEST * size).mean() / size
    known = moves.group_by(by).agg(off.alias("off"), pl.len().alias("n"))
    return known.filter(pl.col("n") >= ENOUGH_MOVES, pl.col("off").is_finite())
