"""Daily bars: files and frames put together, the rules applied, every problem named."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import chain

import polars as pl

from nextclose.config import DataConfig
from nextclose.data.calendars.exchanges import exchanges_of, is_guess
from nextclose.data.catalogue import Issue
from nextclose.data.findings import N_NAMED, merge_findings, safe_text
from nextclose.data.left_out import with_bad_symbols_left_out
from nextclose.data.reading.prices import Basis, UncheckedPrices
from nextclose.data.rules.adjustment import divide_by_splits, with_adjusted_prices, with_masks
from nextclose.data.rules.alignment import with_sessions
from nextclose.data.rules.calendar_choice import settle_calendars
from nextclose.data.rules.duplicates import survivorship
from nextclose.data.rules.engine import (
    CheckedRows,
    RuleFindings,
    apply_rules,
    concat_batches,
    refused_symbols,
    symbol_batches,
)
from nextclose.data.rules.gaps import with_breaks
from nextclose.data.rules.order import is_in_order
from nextclose.data.rules.sequence import CELL_RULES, DAY_RULES, MOVE_RULES, PANEL_RULES
from nextclose.data.rules.steps import segment_numbers
from nextclose.data.rules.stock_splits import SPLIT_COLUMNS, with_split_moves
from nextclose.errors import DataError
from nextclose.schema import BAR_COLUMNS, MASK_COLUMNS, Bars, Finding

DEFAULTS = DataConfig()
GAP = f"E{Issue.MISSING_SESSIONS.value}"

_EMPTY_SCHEMA = {
    "symbol": pl.String(),
    "session": pl.Date(),
    "close": pl.Float64(),
    "part": pl.Int32(),
    "row": pl.UInt32(),
    "is_adjusted": pl.Boolean(),
}


def assemble_bars(
    parts: Iterable[UncheckedPrices],
    *,
    config: DataConfig = DEFAULTS,
    now: datetime | None = None,
    splits: pl.DataFrame | None = None,
) -> Bars:
    """The parts as one set of bars; refusals stand first among its findings, in file order.

    A column that one part lacks is null in its rows. `splits` has symbol, session and ratio (new
    shares for an old one): prices before are divided by it. Parts from an iterator are let go once
    their rows are copied. `now`, aware of its zone, finds bars of the future; None asks no clock.
    NaN: a row without a close is a missing row, counted; one without range or volume is kept, and
        they are null. Nothing is filled in unless the settings say so.
    Causal: each row kept, dropped or changed is decided from rows up to its session.
    """
    rows, heads = _concat_parts(parts)
    paths = [path for head in heads for path in head.files or (head.path,)]
    notes = [finding for head in heads for finding in head.findings]
    frame, of_cells = apply_rules(rows, CELL_RULES, paths, config)
    refused = refused_symbols(of_cells)
    del rows
    if not is_in_order(frame):
        frame = frame.sort("symbol", "session", maintain_order=True)
    exchanges = exchanges_of(frame["symbol"].unique().sort(), calendar=config.calendar)
    taken = _exchanges_of_files(frame, heads)
    exchanges |= taken
    supposed = dict(exchanges)
    if splits is not None:
        splits = splits.sort("symbol", "session", maintain_order=True)
    n_splits = 0 if splits is None else splits.height

    def checked_rows(rows: pl.DataFrame) -> CheckedRows:
        """Rows of whole symbols as they are kept, and the findings of each rule."""
        rows = _rows_since(rows, config.since)
        rows = with_sessions(rows, exchanges, now=now, real_moves=config.not_a_split)
        choice = settle_calendars(rows, supposed, config, paths)
        if choice.taken:
            exchanges.update(choice.taken)
            taken.update(choice.taken)
            rows = with_sessions(rows, exchanges, now=now, real_moves=config.not_a_split)
        rows, of_days = apply_rules(rows, DAY_RULES, paths, config, refused=refused)
        rows, of_splits = divide_by_splits(rows, splits)
        rows = with_split_moves(with_breaks(with_adjusted_prices(rows)))
        known = refused | refused_symbols(of_days)
        rows, of_moves = apply_rules(rows, MOVE_RULES, paths, config, refused=known)
        return _with_bar_columns(rows), [
            RuleFindings(findings=choice.findings, n_named=N_NAMED),
            *of_days,
            RuleFindings(findings=of_splits, n_named=n_splits),
            *_without_gaps(of_moves, choice.findings),
        ]

    batches = map(checked_rows, symbol_batches(frame))
    del frame  # each batch is let go once its rows are copied
    frame, of_series = concat_batches(batches)
    refused |= {k: code for k, code in refused_symbols(of_series).items() if k not in refused}
    if config.bad_symbols is not None:
        frame = _without_symbols(frame, refused)
    frame = frame.with_columns(frame["symbol"].rle_id().alias("series"))
    frame, of_panel = apply_rules(frame, PANEL_RULES, paths, config, refused=refused)
    of_rules = chain(*(rule.findings for rule in (*of_cells, *of_series, *of_panel)))
    of_settings = _unknown_symbols(config, splits, known=set(exchanges))
    findings: Sequence[Finding] = [*notes, *of_rules, *of_settings]
    if config.bad_symbols is not None:
        refused |= refused_symbols(of_panel) | _refused_in(heads)
        frame = _without_symbols(frame, refused)
        if frame.height:
            unread = {head.path for head in heads if head.frame is None}
            findings = with_bad_symbols_left_out(findings, symbols=refused, files=unread)
    findings = _in_report_order([*findings, *survivorship(frame)], paths)
    if not frame.height and not any(finding.response == "E" for finding in findings):
        findings = (Issue.NO_ROWS.finding("0 data rows", path=paths[0]), *findings)
    bases = {head.basis for head in heads if head.frame is not None}
    basis: Basis = bases.pop() if len(bases) == 1 else "unknown"
    return Bars(
        frame=frame.drop("part", "row", "series", "breaks", *SPLIT_COLUMNS),
        findings=findings,
        basis=basis,
        exchanges={name: exchanges[name] for name in frame["symbol"].unique().sort()},
        supposed={name: code for name, code in supposed.items() if code != exchanges[name]},
        settled=_settled_facts(heads, taken, config),
    )


def _without_gaps(
    results: Sequence[RuleFindings], of_calendars: Sequence[Finding]
) -> Iterator[RuleFindings]:
    """The findings less refused gaps of symbols whose calendar is refused: its holidays make them.

    To split a history at another exchange's holidays would hide the wrong calendar.
    """
    refused = {finding.symbol for finding in of_calendars if finding.response == "E"}
    for result in results:
        kept = [
            finding
            for finding in result.findings
            if finding.code != GAP or finding.symbol not in refused
        ]
        yield replace(result, findings=kept)


def _exchanges_of_files(frame: pl.DataFrame, heads: Sequence[UncheckedPrices]) -> dict[str, str]:
    """Exchange by symbol where the cells of its files tell it and its name does not."""
    told: dict[str, str] = {}
    n_files = 0
    for head in heads:
        first, n_files = n_files, n_files + (len(head.files) or 1)
        if head.exchange:
            rows = frame.filter(pl.col("part").is_between(first, n_files - 1))
            told |= {name: head.exchange for name in rows["symbol"].unique() if is_guess(name)}
    return dict(sorted(told.items()))


def _without_symbols(frame: pl.DataFrame, symbols: Collection[str]) -> pl.DataFrame:
    return frame.filter(~pl.col("symbol").is_in(list(symbols))) if symbols else frame


def _refused_in(heads: Iterable[UncheckedPrices]) -> dict[str, str]:
    """Symbols of which a file that was read says a refusal itself, with its code."""
    findings = chain(*(head.findings for head in heads if head.frame is not None))
    return {f.symbol: f.code for f in findings if f.response == "E" and f.symbol}


def _with_bar_columns(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows with the columns of `Bars`, and those that rules over all symbols read."""
    frame = with_masks(frame).with_columns(pl.col("^volume$").cast(pl.Float64))
    frame = frame.with_columns(pl.col("^(open|high|low|volume)$").fill_nan(None))
    if "close_raw" in frame.columns:
        frame = frame.with_columns(pl.col("close_raw").fill_null(pl.col("close")))
    segment = pl.Series("segment", segment_numbers(frame)).cast(pl.Int32)
    columns = [name for name in (*BAR_COLUMNS, "close_raw") if name in frame.columns]
    return frame.select(*columns, segment, *MASK_COLUMNS, *SPLIT_COLUMNS, "part", "row", "breaks")


def _unknown_symbols(
    config: DataConfig, splits: pl.DataFrame | None, *, known: set[str]
) -> list[Finding]:
    """A warning for each setting that names symbols which are not there: a slip of the pen."""
    settings = {
        "since": (Issue.REUSED_SYMBOL, list(config.since)),
        "not_a_split": (Issue.SPLIT, [text.split(" ")[0] for text in config.not_a_split]),
        "splits": (Issue.SPLIT, [] if splits is None else splits["symbol"].to_list()),
        "calendar": (
            Issue.CLOSED_DAY,
            list(config.calendar) if isinstance(config.calendar, Mapping) else [],
        ),
    }
    return [
        issue.finding(
            safe_text(f"no symbol {', '.join(sorted(set(names) - known))}"),
            response="W",
            rule=f"data.{setting} speaks of symbols that are there",
            fix="correct the name.",
        )
        for setting, (issue, names) in settings.items()
        if set(names) - known
    ]


def _rows_since(frame: pl.DataFrame, since: Mapping[str, date]) -> pl.DataFrame:
    """The rows less those before the first session to use of their symbol."""
    for symbol, first in since.items():
        frame = frame.filter((pl.col("symbol") != symbol) | (pl.col("session") >= first))
    return frame


def _settled_facts(
    heads: Sequence[UncheckedPrices], taken: Mapping[str, str], config: DataConfig
) -> dict[str, object]:
    """What the files decided, by the name of its setting: calendars of their bars among it."""
    read = [head.settled for head in heads if head.frame is not None]
    facts: dict[str, object] = dict(_common_facts(read))
    if taken:
        said = config.calendar if isinstance(config.calendar, Mapping) else {}
        facts["calendar"] = {**said, **taken}
    return facts


def _common_facts(settled: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Format facts that every file states alike; one that is read by the defaults states none."""
    first, *others = settled or [{}]
    is_alike = {name: all(facts.get(name) == first[name] for facts in others) for name in first}
    return {name: first[name] for name in sorted(first) if is_alike[name]}


def _concat_parts(parts: Iterable[UncheckedPrices]) -> tuple[pl.DataFrame, list[UncheckedPrices]]:
    """All rows in file order, `part` telling the file; and the parts without their rows."""
    heads: list[UncheckedPrices] = []
    frames: list[pl.DataFrame] = []
    n_files = 0
    for part in parts:
        frame = part.frame
        if frame is not None:
            file = pl.col("file") if part.files else pl.lit(0, pl.Int32)
            place = (file + n_files).alias("part")
            is_adjusted = pl.lit(part.basis == "adjusted").alias("is_adjusted")
            frames.append(frame.with_columns(place, is_adjusted).drop("file", strict=False))
        n_files += len(part.files) or 1
        heads.append(part if frame is None else replace(part, frame=frame.clear()))
    if not frames:
        return pl.DataFrame(schema=_EMPTY_SCHEMA), heads
    has_adjusted = any("adj_close" in frame.columns for frame in frames)
    for k, frame in enumerate(frames):
        if has_adjusted and "adj_close" not in frame.columns:  # taken as it is: ratio 1
            copy = pl.col("close").alias("adj_close")
            frames[k] = frame.with_columns(copy, pl.lit(value=False).alias("is_pair"))
    return pl.concat(frames, how="diagonal_relaxed"), heads


def _in_report_order(findings: Sequence[Finding], paths: Sequence[str]) -> tuple[Finding, ...]:
    """Refusals by file and row, then the rest in the order of the rules."""
    position = {path: k for k, path in reversed(list(enumerate(paths)))}
    refusals = [finding for finding in findings if finding.response == "E"]
    refusals.sort(key=lambda finding: (position[finding.path], finding.row or 0))
    return merge_findings(
        [*refusals, *(finding for finding in findings if finding.response != "E")]
    )


def raise_for_refusals(bars: Bars) -> Bars:
    """The same bars if nothing in them must be refused. Raises: DataError otherwise."""
    refusals = tuple(finding for finding in bars.findings if finding.response == "E")
    if refusals:
        raise DataError(refusals)
    return bars
