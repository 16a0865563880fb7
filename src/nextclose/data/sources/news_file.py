"""[I/O] Headlines beside the prices: a CSV or Parquet file, scored by VADER or a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl

from nextclose.config import DataConfig, NewsConfig
from nextclose.data.calendars.exchanges import exchange_of
from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.news.items import news_items
from nextclose.data.news.timing import items_by_session
from nextclose.data.reading.delimited import csv_cells
from nextclose.data.reading.encoding import line_blocks
from nextclose.data.reading.file_errors import UnusableFileError
from nextclose.data.sources.compressed import file_chunks
from nextclose.data.sources.filenames import format_of
from nextclose.data.sources.files import open_file
from nextclose.data.sources.parquet import parquet_frame
from nextclose.errors import ConfigError, DataError
from nextclose.libraries import library_errors
from nextclose.schema import Bars, Finding, News

Scorer = Callable[[str], float]  # headline -> score in [-1, 1], bad to good

DEFAULTS, DATA_DEFAULTS = NewsConfig(), DataConfig()
N_NAMED = 5  # symbols without news


def with_news(
    bars: Bars,
    news: str | Path,
    *,
    config: NewsConfig = DEFAULTS,
    data: DataConfig = DATA_DEFAULTS,
    scorer: Scorer | None = None,
) -> Bars:
    """The bars with the headlines of a file about their symbols.

    The file has symbol, first_seen (with its zone, or a date alone), headline and, where somebody
    else scored them, score. Without that column VADER scores, or `scorer`, which goes before both.
    Of `data` the encoding counts, and whether links are followed.
    Raises: DataError with every problem of the file; LibraryError if VADER is not installed, or a
        score is none in [-1, 1].
    """
    any_separator = data.model_copy(update={"separator": None})  # its own, not the prices'
    items, findings = _read_items(Path(news), any_separator)
    exchanges = {symbol: bars.exchanges.get(symbol, exchange_of(symbol)) for symbol in bars.symbols}
    placed = items_by_session(items, exchanges, cutoff_minutes=config.cutoff_minutes)
    without_news = _without_news(placed, bars, path=str(news))
    name, score = "file", placed["score"] if "score" in placed.columns else None
    if scorer is not None or score is None:
        scorer = scorer or vader()
        name = scorer_name(scorer)
        score = _scores(placed["headline"], scorer)
    scored = placed.select("symbol", "session", score.alias("score"))
    return replace(
        bars,
        findings=(*bars.findings, *findings, *without_news),
        news=News(frame=scored, scorer=name, cutoff_minutes=config.cutoff_minutes),
    )


def vader() -> Scorer:
    """VADER's compound score. Its words were chosen by 2014: older years are no test of it.

    Raises: LibraryError if it is not installed.
    Source: Hutto & Gilbert (2014), VADER: a parsimonious rule-based model for sentiment analysis of
        social media text, ICWSM 8.
    """
    instead = "give the file a column 'score'"
    with library_errors("vaderSentiment", needed_by="a headline without a score", instead=instead):
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    analyzer = SentimentIntensityAnalyzer()

    def vader(headline: str) -> float:
        return float(analyzer.polarity_scores(headline)["compound"])

    return vader


def scorer_name(scorer: Scorer) -> str:
    """What a bundle calls the scorer: the name of the function, else of its class."""
    return str(getattr(scorer, "__name__", type(scorer).__name__))


def _scores(headlines: pl.Series, scorer: Scorer) -> pl.Series:
    """A score for each headline; equal headlines are scored once."""
    scores = {headline: float(scorer(headline)) for headline in headlines.unique().sort()}
    for headline, score in scores.items():
        if not -1 <= score <= 1:
            raise ConfigError(
                f"scorer {scorer_name(scorer)!r} gave {score} for {safe_text(headline)!r}. "
                "Fix: give scores from -1 to 1."
            )
    return headlines.replace_strict(scores, return_dtype=pl.Float64)


def _without_news(placed: pl.DataFrame, bars: Bars, *, path: str) -> tuple[Finding, ...]:
    """Rule 74: symbols of the prices that the file says nothing of. Raises: DataError if of all."""
    symbols = [symbol for symbol in bars.symbols if symbol not in set(placed["symbol"])]
    if not symbols:
        return ()
    more = f" and {len(symbols) - N_NAMED} more" if len(symbols) > N_NAMED else ""
    finding = Issue.FAILED_SYMBOLS.finding(
        f"no news of {', '.join(symbols[:N_NAMED])}{more}",
        response="W",
        rule="news of every symbol; the others go as without any",
        fix="spell the symbols as in the prices.",
        path=path,
        column="symbol",
    )
    if len(symbols) == len(bars.symbols):
        raise DataError((replace(finding, response="E", rule="news of at least one symbol"),))
    return (finding,)


def _read_items(path: Path, data: DataConfig) -> tuple[pl.DataFrame, tuple[Finding, ...]]:
    """The sound items of the file, and what was found in it. Raises: DataError."""
    notes: tuple[Finding, ...] = ()
    try:
        with open_file(path, follow_symlinks=data.follow_symlinks) as file:
            chunks = file_chunks(file, path)
            if format_of(path) == "parquet":
                frame = parquet_frame(b"".join(chunks))
                rows = pl.int_range(1, frame.height + 1, eager=True)
            else:
                cells = csv_cells(b"".join(line_blocks(chunks)), path=str(path), config=data)
                frame, rows, notes = cells.frame, cells.rows, cells.findings
    except UnusableFileError as error:
        raise DataError(error.refusal(str(path)).findings) from None
    items, findings = news_items(frame, path=str(path), rows=rows)
    refusals = tuple(finding for finding in (*notes, *findings) if finding.response == "E")
    if refusals:
        raise DataError(refusals)
    return items, (*notes, *findings)
