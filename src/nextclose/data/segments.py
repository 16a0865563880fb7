"""Pieces of history that nothing crosses: how long they are, and which symbols have too little."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from nextclose.data.catalogue import Issue
from nextclose.errors import NotEnoughDataError
from nextclose.formatting import quantity
from nextclose.schema import Bars, Finding


def with_short_symbols(bars: Bars, *, needed: int, least: int | None = None) -> Bars:
    """The same rows, with the findings of `short_symbols`.

    The rows stay: whether a symbol lives on is not known when a model is fitted, so leaving it out
    by the length of its whole file would let the future decide who is learnt from.
    Raises: NotEnoughDataError if no symbol has enough.
    """
    findings = short_symbols(bars, needed=needed, least=least)
    if findings and findings[0].response == "E":
        most = int(segment_lengths(bars)["len"].max() or 0)  # type: ignore[arg-type]
        raise NotEnoughDataError(findings[0].line(), needed=least or needed, found=most)
    return replace(bars, findings=(*bars.findings, *findings)) if findings else bars


def short_symbols(bars: Bars, *, needed: int, least: int | None = None) -> tuple[Finding, ...]:
    """A warning for each symbol without `needed` sessions in a segment.

    From `least` sessions on `lstm` forecasts it; None: `lstm` is not there. If no symbol has enough
    for any model: one refusal instead, naming the symbol with the most.
    """
    least = needed if least is None else least
    counts = segment_lengths(bars).group_by("symbol").agg(pl.col("len").max()).sort("symbol")
    short = counts.filter(pl.col("len") < needed)
    if counts.filter(pl.col("len") < least).height == counts.height:
        most = counts.sort("len", descending=True, maintain_order=True).head(1)
        symbol, n = next(most.iter_rows(), ("", 0))
        return (
            Issue.SHORT_HISTORY.finding(
                f"{quantity(n, 'session')} in one piece, the most of any symbol",
                response="E",
                rule=f"at least {least}, which one forecast reads",
                fix="give a longer history, choose models that read less, or forecast without "
                "training, as `nextclose predict PRICES` does from 60 sessions on.",
                symbol=symbol,
            ),
        )
    return tuple(
        Issue.SHORT_HISTORY.finding(
            f"{quantity(n, 'session')}, {needed} needed by all models, {least} by lstm",
            symbol=symbol,
        )
        if n >= least
        else Issue.SHORT_HISTORY.finding(
            f"{quantity(n, 'session')}, {least} needed",
            symbol=symbol,
        )
        for symbol, n in short.iter_rows()
    )


def segment_lengths(bars: Bars) -> pl.DataFrame:
    """Rows of each segment of each symbol, in order: symbol, len."""
    keys = [name for name in ("symbol", "segment") if name in bars.frame.columns]
    return bars.frame.group_by(keys, maintain_order=True).len().select("symbol", "len")


def latest_segments(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of each symbol's latest segment."""
    if "segment" not in frame.columns:
        return frame
    return frame.filter(pl.col("segment") == pl.col("segment").max().over("symbol"))
