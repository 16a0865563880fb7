"""Headlines as a file has them, brought to our names and types; every bad row named."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import timedelta

import polars as pl

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.findings import Rule, hits_where, no_hits, safe_text
from nextclose.data.reading.columns.spellings import canonical_name
from nextclose.data.rules.cells import illegal_symbols
from nextclose.data.rules.engine import apply_rules
from nextclose.schema import Finding

SPELLINGS = {
    "symbol": ("symbol", "ticker"),
    "first_seen": ("first_seen", "first_seen_at"),  # when it was published is another matter
    "headline": ("headline", "title"),
    "score": ("score",),
}
NEEDED = ("symbol", "first_seen", "headline")
TIMES = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M")
REPEAT_DAYS = 7  # after it last came; later the same words are news again

Frame = pl.DataFrame


def news_items(frame: Frame, *, path: str, rows: pl.Series) -> tuple[Frame, tuple[Finding, ...]]:
    """A foreign frame as items fit for use, the first seen first, and what was found on the way.

    Columns of the items: symbol, seen_at (Datetime in UTC; null where a date stands alone), day
    (Date: the one that stands there, of an instant that in UTC), headline; score if the frame has
    it. Rows that must be refused are left out and named in the findings. Of a headline that comes
    again within 7 days the first version and time are kept; a date alone counts from its end.
    Causal: whether an item is kept is decided from items seen no later.
    """
    names = _column_names(frame.columns)
    missing = [name for name in NEEDED if name not in names]
    if missing:
        return Frame(), tuple(_missing_column(name, frame.columns, path) for name in missing)
    ours = frame.select(pl.col(theirs).alias(name) for name, theirs in names.items())
    typed = _with_types(
        ours.with_columns(rows.alias("row").cast(pl.Int64), pl.lit(0).alias("part"))
    )
    items, results = apply_rules(typed, ITEM_RULES, [path], DataConfig())
    by_time = items.sort("known_at", maintain_order=True)
    items, (repeats,) = apply_rules(by_time, (REPEAT_RULE,), [path], DataConfig())
    findings = [finding for result in results for finding in result.findings]
    findings.sort(key=lambda finding: finding.row or 0)
    columns = sorted({"headline", "score"} & {*names})
    return items.select("symbol", "seen_at", "day", *columns), (*findings, *repeats.findings)


def _column_names(names: Sequence[str]) -> dict[str, str]:
    """Our name -> foreign name, for each of our columns that is there."""
    folds = {canonical_name(name): name for name in reversed(names)}
    spellings = {ours: [s for s in known if s in folds] for ours, known in SPELLINGS.items()}
    return {ours: folds[spelt[0]] for ours, spelt in spellings.items() if spelt}


def _missing_column(ours: str, names: Sequence[str], path: str) -> Finding:
    """What is said of a needed column that is not there."""
    folds = {canonical_name(name): name for name in names}
    near = difflib.get_close_matches(ours, list(folds), n=1, cutoff=0.6)
    cure = f"rename {folds[near[0]]!r} to {ours!r}" if near else f"add a column {ours!r}"
    return Issue.MISSING_COLUMN.finding(
        f"only {safe_text(', '.join(names))}",
        rule=f"a column {ours!r}",
        fix=f"{cure}.",
        path=path,
        column=ours,
    )


def _with_types(frame: Frame) -> Frame:
    """Cells in our types, null where unreadable; `known_at` is the instant or the date's end."""
    stamps = frame["first_seen"]
    if isinstance(stamps.dtype, pl.Datetime):
        zone = "" if stamps.dtype.time_zone is None else "%:z"
        stamps = stamps.dt.to_string(f"%Y-%m-%dT%H:%M:%S%.6f{zone}")
    text = stamps.cast(pl.String).str.strip_chars()
    texts = pl.col("symbol", "headline").cast(pl.String).str.strip_chars()
    typed = frame.with_columns(texts, text.set(text == "", None))
    if "score" in frame.columns:
        score = pl.col("score").cast(pl.String).str.strip_chars()
        typed = typed.with_columns(score.alias("score_text"), score.cast(pl.Float64, strict=False))
    typed = typed.with_columns(_instant("%z").alias("seen_at"))
    date = pl.col("first_seen").str.to_date("%Y-%m-%d", strict=False)
    day = pl.coalesce(pl.col("seen_at").dt.date(), date)
    written = pl.col("first_seen").str.head(10).str.to_date("%Y-%m-%d", strict=False)
    end = date.cast(pl.Datetime("us", "UTC")) + timedelta(days=1)
    return typed.with_columns(
        day.alias("day"),
        pl.coalesce(day, written).alias("session"),  # for messages
        pl.coalesce("seen_at", end).alias("known_at"),
    )


def _instant(zone: str) -> pl.Expr:
    """Date and time of day of `first_seen`, followed by `zone`; null where that is not there."""
    text = pl.col("first_seen").str.replace("[T ]", "T").str.replace("Z$", "+00:00")
    return pl.coalesce(
        text.str.to_datetime(form + zone, time_unit="us", strict=False) for form in TIMES
    )


def _stamps_without_zone(frame: Frame) -> Frame:
    return hits_where(
        frame, _instant("").is_not_null(), text=pl.col("first_seen"), column="first_seen"
    )


def _unreadable_stamps(frame: Frame) -> Frame:
    return hits_where(
        frame, pl.col("day").is_null(), text=pl.col("first_seen"), column="first_seen"
    )


def _empty_items(frame: Frame) -> Frame:
    texts = [name for name in ("headline", "score_text") if name in frame.columns]
    is_empty = pl.any_horizontal(pl.col(name).fill_null("") == "" for name in texts)
    return hits_where(frame, is_empty, text=pl.lit("an empty cell"))


def _score_hits(frame: Frame, bad: pl.Expr) -> Frame:
    if "score" not in frame.columns:
        return no_hits()
    return hits_where(frame, bad, text=pl.col("score_text"), column="score")


def _unreadable_scores(frame: Frame) -> Frame:
    return _score_hits(frame, pl.col("score").is_null())


def _scores_out_of_range(frame: Frame) -> Frame:
    return _score_hits(frame, ~pl.col("score").is_between(-1, 1))


def _repeats(frame: Frame) -> Frame:
    """Headlines that their symbol had within REPEAT_DAYS before, but for case and punctuation."""
    words = pl.col("headline").str.normalize("NFKC").str.to_lowercase()
    words = words.str.replace_all(r"[\W_]+", " ").str.strip_chars()
    since = pl.col("known_at").diff().over("symbol", words)
    return hits_where(frame, since <= timedelta(days=REPEAT_DAYS), text=pl.col("headline"))


ITEM_RULES = (  # in the order of the file
    Rule(
        Issue.ILLEGAL_SYMBOL.finding(
            rule="a symbol as in the prices: AAPL, BRK-B or ^GSPC", fix="correct the symbol."
        ),
        illegal_symbols,
        per="symbol",
    ),
    Rule(
        Issue.ZONED_STAMP.finding(
            rule="the time when it was first seen with its zone, or its date alone",
            fix="write 2013-02-28T15:29:00-05:00, or only 2013-02-28: then it counts a session "
            "later.",
        ),
        _stamps_without_zone,
    ),
    Rule(
        Issue.NOT_A_DATE.finding(
            rule="a time with its zone, or a date",
            fix="write 2013-02-28T15:29:00-05:00 or 2013-02-28.",
        ),
        _unreadable_stamps,
    ),
    Rule(
        Issue.INCOMPLETE_BAR.finding(rule="an item without its headline or score is left out"),
        _empty_items,
        per="rule",
    ),
    Rule(
        Issue.NOT_A_NUMBER.finding(
            rule="a number", fix="correct the score, or leave the column out."
        ),
        _unreadable_scores,
    ),
    Rule(
        Issue.PRICE_OUT_OF_RANGE.finding(
            rule="a score from -1 to 1", fix="bring scores to that range."
        ),
        _scores_out_of_range,
    ),
)
REPEAT_RULE = Rule(
    Issue.REPEATED_ROW.finding(
        rule=f"a headline counts once in {REPEAT_DAYS} days; first version and time kept"
    ),
    _repeats,
    per="rule",
)
