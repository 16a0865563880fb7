"""Columns of verdict.json that the glossary has no word for, in a sentence each."""

from __future__ import annotations

from collections.abc import Mapping

REFERENCES = {"garch": "garch's ranges", "hs": "those of history", "naive": "'no change'"}
LEVELS = (50, 80, 95)
COLUMNS: Mapping[str, str] = {
    **{
        f"symbols_{side}_than_{name}": f"Symbols on which it is significantly {side} than {text}."
        for name, text in REFERENCES.items()
        for side in ("better", "worse")
    },
    **{
        f"coverage_{level}": f"Share of outcomes inside the {level} % range: should be that."
        for level in LEVELS
    },
    "relative_mae_interval": "95 % interval of relative_mae.",
    "relative_mae_seed_sd": "Standard deviation over what single seeds would have had.",
    "crps_skill_seed_sd": "Standard deviation of crps_skill_vs_hs over single seeds.",
    "crps_skill_vs_garch_interval": "95 % interval of crps_skill_vs_garch.",
    "symbol": "Whose forecasts are judged; * is all symbols together.",
    "horizon_sessions": "Trading sessions ahead.",
    "model": "Which model forecast; `nextclose models` lists all.",
    "origins": "Days that forecasts were made on.",
    "forecasts": "Forecasts with a known outcome, of all symbols and days.",
    "filled": "Forecasts that it left out, charged as 'no change' with the ranges of history.",
    "point_only": "Whether it gives prices without ranges.",
    "hit_interval": "95 % interval of hit_rate.",
    "base_side": "The side that came more often: what base_rate always calls.",
    "direction_p": "p-value of its calls against chance and against always calling one side.",
    "direction_claim": "Whether its calls are significantly better than chance and than base_rate.",
    "always": "The one side that it called all the time; null if it called both.",
    "implied_r2": "The r2_vs_zero that such a hit rate would imply.",
    "smallest_visible_edge": "The least edge over a hit rate of 1/2 that so many days would show.",
    "no_calls": "Forecasts whose median is the last close: no call.",
    "flat": "Outcomes that equal the last close: no side was right.",
    "crps_skill_interval": "95 % interval of crps_skill_vs_hs.",
    "hs_reference": "Which of hs_250 and hs_expanding crps_skill_vs_hs is against: the better one.",
    "independence_p": "p-value that misses of the 90 % range do not come in a row; of one symbol.",
    "pit_p": "p-value that the whole density is calibrated; of one symbol.",
    "p_error_better": "p-value that its price is no better than 'no change'.",
    "p_error_worse": "p-value that its price is no worse than 'no change'.",
    "p_ranges_better": "p-value that its ranges are no better than those of history.",
    "p_ranges_worse": "p-value that its ranges are no worse than those of history.",
    "p_garch_better": "p-value that its ranges are no better than garch's.",
    "p_garch_worse": "p-value that its ranges are no worse than garch's.",
    "comparisons": "Of how many comparisons p_value is one; significance allows for them.",
    "miscalibrated": "Whether the 90 % range surely holds too few or too many outcomes.",
    "verdict": "What all figures come to; `nextclose explain` lists the words.",
    "sentence": "The verdict with its figures, in words.",
    "worst_year": "The year in which its ranges did worst.",
    "worst_year_skill": "CRPS skill of the ranges in that year, against worst_year_reference.",
    "worst_year_reference": "What worst_year_skill is against: garch, else history.",
    "mcs_p": "Below 0.1 the model confidence set leaves it out: another is shown to be better.",
    "spa_p": "p-value that no other model beats garch, however many were tried; of garch alone.",
    "taught_until": "Last day that taught the model beforehand, where tested years are among them.",
    "metrics": "Losses of your own, beside those of 'no change' and of the reference.",
}
