"""What the words of a verdict mean: for tooltips, `nextclose explain` and the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["verdict", "model", "figure", "word"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One word: `short` is a sentence for a tooltip, `more` what it takes to use the word well."""

    name: str
    kind: Kind
    short: str
    more: str = ""


def _terms(kind: Kind, *texts: tuple[str, str, str]) -> dict[str, Term]:
    return {name: Term(name=name, kind=kind, short=short, more=more) for name, short, more in texts}


VERDICTS = _terms(
    "verdict",
    (
        "BETTER",
        "Both its price and its ranges beat doing nothing, and that is not luck.",
        "Its error is significantly below that of 'no change', and its ranges beat those of "
        "history. Often the gain is drift: if every call was 'up', it knew that prices rise in the "
        "long run, no more. Trading costs are not counted.",
    ),
    (
        "SIZE ONLY",
        "It knows how far prices move, not which way.",
        "Its ranges are significantly better than those of history, its price is not better than "
        "'no change'. That is what good models of prices reach: use the ranges, ignore the "
        "direction.",
    ),
    (
        "POINT ONLY",
        "Its price beats 'no change', its ranges are no better than those of history.",
        "A forecast without any range ends here too. Ask for how long it has been right: a small "
        "gain in price is often drift.",
    ),
    (
        "NO EVIDENCE",
        "Nothing shows that it beats doing nothing; nothing shows that it does not.",
        "The difference is within what luck gives on that many forecasts. More symbols or more "
        "years may tell; trying more models until one looks good does not.",
    ),
    (
        "WORSE",
        "It is significantly worse than doing nothing, than history, or than garch. Do not use it.",
        "The sentence says what it lost to: its price to 'no change', or its ranges to those of "
        "history or of garch.",
    ),
    (
        "TOO SHORT",
        "Too few separate outcomes to tell anything.",
        "At least 250 sessions and 30 separate outcomes are needed: 900 sessions for 30 ahead. "
        "Give longer histories, or ask for shorter horizons.",
    ),
    (
        "TOO GOOD",
        "Better than honest forecasts of prices ever are: look for a leak.",
        "At one session, an R2 above 20 % or a hit rate ten points above always calling one side; "
        "further ahead 50 % or 25 points. "
        "Usual causes: a scaler fitted on the test, a target among the inputs, prices that are "
        "shifted by a day.",
    ),
    (
        "VOID",
        "A check of the run failed: no figure can be trusted.",
        "The sentence names the check. Mend that first; then run again.",
    ),
    (
        "YARDSTICK",
        "What the others are measured with; it claims nothing itself.",
        "naive, hs_250 and hs_expanding: an unchanged price, and the ranges of past moves.",
    ),
)

MODELS = _terms(
    "model",
    ("naive", "Tomorrow's close is today's: 'no change'.", "Hard to beat, and free. No ranges."),
    ("drift", "Today's close plus the average move of the past.", "Ranges from past volatility."),
    (
        "hs_250",
        "Historical simulation: the moves of the last 250 sessions are what may come.",
        "With hs_expanding it is what 'better than history' means: the better of the two counts.",
    ),
    ("hs_expanding", "Historical simulation from all moves of the past.", ""),
    (
        "ewma",
        "Volatility as an average of past moves, recent ones weighing more.",
        "The RiskMetrics rule, decay 0.94.",
    ),
    (
        "har",
        "Volatility from the last day, week and month.",
        "Simple, fast and hard to beat (Corsi 2009).",
    ),
    (
        "garch",
        "GJR-GARCH-t: the usual model of how far prices move, fitted per symbol.",
        "The reference that a better model has to beat; fitted anew at every refit.",
    ),
    (
        "loghar",
        "A log-linear HAR with market volatility and a prior learnt from other stocks.",
        "Strong at one session, and cheap: seconds for a hundred symbols.",
    ),
    (
        "trees",
        "XGBoost as a correction to loghar.",
        "Not among the defaults: it gains little. Needs the extra `trees`.",
    ),
    (
        "lstm",
        "One network for all symbols and horizons, taught beforehand by other companies.",
        "It has never seen your prices; 60 sessions of a symbol are enough.",
    ),
    (
        "hybrid",
        "The mean of its members (loghar and lstm), as wide as past forecasts ask for.",
        "What `nextclose train` saves. Its report says what it gains over each member alone.",
    ),
    (
        "classic",
        "The network of the tutorials, without their leaks: for comparison, not for use.",
        "60 sessions of 41 columns in, a close out. Needs the extra `train`.",
    ),
)

FIGURES = _terms(
    "figure",
    (
        "mape_pct",
        "Mean absolute error of the price, in per cent of it. Lower is better.",
        "It says nothing alone: compare naive_mape_pct, the same for 'no change'. 1 to 2 % at one "
        "session is what doing nothing reaches.",
    ),
    (
        "naive_mape_pct",
        "The same for 'no change', on the same forecasts.",
        "",
    ),
    (
        "relative_mae",
        "Error over that of 'no change': below 1 beats doing nothing.",
        "Absolute errors of log returns; 0.99 is 1 % better. At one session 1.000 is the rule.",
    ),
    (
        "crps",
        "What a whole range forecast cost: how far the outcome lies from it, and how wide it is.",
        "Continuous ranked probability score. In log returns; lower is better. A point forecast's "
        "CRPS is its absolute error (Gneiting & Raftery 2007).",
    ),
    (
        "crps_skill_vs_hs",
        "How much better the ranges are than those of history: above 0 is better.",
        "1 - CRPS / CRPS of the better of hs_250 and hs_expanding. Some per cent is a lot.",
    ),
    (
        "crps_skill_vs_garch",
        "How much better the ranges are than garch's: above 0 is better.",
        "1 - CRPS / CRPS of a GJR-GARCH-t per symbol. About 1 % is what the best of ours gains.",
    ),
    (
        "coverage_90",
        "Share of outcomes inside the 90 % range: should be near 90 %.",
        "Below: the ranges are too narrow. Above: too wide. coverage_50, _80, _95 likewise.",
    ),
    (
        "width_90_pct",
        "How wide the 90 % range is, in per cent of the price.",
        "Of two models whose ranges hold, the narrower knows more.",
    ),
    (
        "hit_rate",
        "Share of forecasts that got the direction right.",
        "It means nothing without base_rate: prices rise on more days than they fall.",
    ),
    ("base_rate", "Hit rate of always calling the side that came more often.", ""),
    (
        "r2_vs_zero",
        "Share of the variance of returns that the median explains; 0 for 'no change'.",
        "Of returns, not of prices: an R2 of prices is near 1 for any forecast, 'no change' too.",
    ),
    (
        "p_value",
        "How often luck alone would do as well: below 0.05 is called significant.",
        "One-sided, by a test that knows that forecasts of many sessions overlap.",
    ),
    (
        "independent",
        "About how many separate outcomes there are: days over sessions ahead.",
        "30-session forecasts made on neighbouring days share 29 sessions: they are nearly one.",
    ),
    (
        "noise_floor",
        "Differences of skill below this are noise: two standard errors.",
        "",
    ),
    (
        "in_confidence_set",
        "Whether it may be the best: no model of the run is shown to beat it.",
        "The model confidence set (Hansen, Lunde & Nason 2011) by CRPS.",
    ),
)

WORDS = _terms(
    "word",
    ("origin", "The session whose close is the newest thing that a forecast knew.", ""),
    ("horizon", "How many trading sessions ahead: 1, 7 or 30.", ""),
    ("session", "A trading day of the symbol's own exchange.", ""),
    (
        "range",
        "Where the close is expected: 90 % of outcomes should fall inside the 90 % range.",
        "Not to be confused with an interval, which says how sure a figure is.",
    ),
    (
        "interval",
        "How sure a figure is: 95 % of such intervals hold the true value.",
        "Of an error, a gain or a hit rate, never of a price: that is a range.",
    ),
    ("history", "The ranges of past moves: the better of hs_250 and hs_expanding.", ""),
    ("no change", "Tomorrow's close is today's: the forecast that costs nothing.", ""),
    (
        "prior",
        "What a model learnt of other companies before it saw your prices.",
        "A verdict on years that a prior has seen too is marked: those years are not clean.",
    ),
    (
        "leak",
        "A value that was used before it could have been known.",
        "The reason why most published forecasts of prices look good.",
    ),
    (
        "stale",
        "A note on a forecast: newer sessions have finished since the prices end.",
        "Its dates count from the newest bar, so some may be over. Give newer prices.",
    ),
    (
        "bundle",
        "A trained model as a folder of numbers and text, safe to load: no code in it.",
        "",
    ),
)

TERMS: Mapping[str, Term] = {**VERDICTS, **MODELS, **FIGURES, **WORDS}
