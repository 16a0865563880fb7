"""Dates in words: weekdays left out, months of other languages in English."""

from __future__ import annotations

import polars as pl

WEEKDAY = r"(?i)^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]?\s+"
# a day, a month in letters, a year: 5. August 2024, 5 août 2024, 5 de agosto de 2024
DAY_MONTH_YEAR = (
    r"^(?<day>\d{1,2})(?:er|\.|º)?[\s-]*(?:de\s+)?(?<month>\p{L}{3,})\.?"
    r"[\s-]*(?:de\s+)?(?<year>\d{4})$"
)
ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# beginnings of German, French, Spanish, Italian, Portuguese and Dutch months, by month
BEGINNINGS = (
    *(("jan", "jän", "ene", "gen"), ("feb", "fév", "fev"), ("mar", "mär", "maa", "mrz", "mrt")),
    *(("apr", "avr", "abr"), ("mai", "may", "mag", "mei"), ("jun", "juin", "giu")),
    *(("jul", "juil", "lug"), ("aug", "aoû", "ago"), ("sep", "set"), ("oct", "okt", "ott", "out")),
    *(("nov",), ("dec", "dez", "déc", "dic")),
)
MONTHS = {word: name for name, words in zip(ENGLISH, BEGINNINGS, strict=True) for word in words}


def english_dates(text: pl.Series) -> pl.Series:
    """The texts with day, month and year in English where they are in words, else as they are."""
    plain = text.str.replace(WEEKDAY, "")
    parts = plain.to_frame("text").select(pl.col("text").str.extract_groups(DAY_MONTH_YEAR))
    parts = parts.unnest("text")
    month = parts["month"].str.to_lowercase()
    names = [month.str.slice(0, n).replace_strict(MONTHS, default=None) for n in (4, 3)]
    english = names[0].fill_null(names[1])
    whole = parts.select(pl.format("{} {} {}", "day", english.alias("name"), "year"))
    return whole.to_series().fill_null(plain)
