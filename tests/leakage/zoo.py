"""The zoo: every known leak by its number, and the test that kills it. Numbers are permanent.

A new leak in the wild: a mutant first, a row here, then the cure.

Levels: L0 batch mates, L1 another future, L2 the same at a fold's border, L3 closes that say which
row they are, L4 a later split. A level in brackets finds the leak too.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Leak:
    """`killed_by` is module:function, `case` the name of the mutant among what it is given."""

    number: int
    where: str
    what: str
    level: str
    killed_by: str
    case: str = ""


LOADER = "test_mutants:test_a_loader_that_looks_ahead_is_found"
MASK = "test_loader:test_a_mask_or_segment_that_looks_ahead_is_found"
FEATURE = "test_mutants:test_every_feature_that_looks_ahead_is_named_and_no_other"
ACROSS = "test_leaky_panels:test_every_column_across_symbols_that_looks_ahead_is_named_and_no_other"
STAGE = (
    "test_leaky_folds:"
    "test_a_stage_that_learns_from_what_is_tested_is_found_and_its_honest_twin_is_not"
)
FIT = "test_purges:test_a_fit_that_learns_what_is_open_is_found"
STACK = "test_purges:test_a_stack_that_learns_what_is_open_is_found"
RANGE = "test_purges:test_a_range_that_knows_outcomes_before_they_resolve_is_found"
SPLIT = "test_leaky_splits:test_a_split_that_lets_the_test_in_is_found_and_named"
PURGE = "test_leaky_splits:test_our_folds_without_their_purge_break_the_rule_that_it_keeps"
INPUTS = (
    "test_leaky_splits:"
    "test_a_stack_that_learns_from_fits_that_knew_the_answer_is_found_and_its_twin_is_not"
)
NEWS = "test_news:test_news_used_too_early_are_found"
UNCLOSED = "test_leaky_panels:test_a_mean_by_date_though_one_exchange_closes_later_is_found"
UTC = "test_leaky_panels:test_stamps_of_tokyo_dated_in_utc_are_read_back_a_day_early"
LEVEL = "test_leaky_panels:test_a_level_that_a_later_split_rescales_is_found_and_a_ratio_is_not"
ALL_ROWS = "test_purges:test_a_scaler_that_sees_all_rows_is_found"
VALID_ROWS = "test_purges:test_a_scaler_that_sees_the_validation_block_is_found"
BORDER = "test_leaky_splits:test_a_window_that_crosses_from_one_symbol_into_the_next_is_found"
TWIN = "test_leaky_splits:test_one_series_under_two_names_on_both_sides_of_a_split_is_found"
BATCH = "test_batch_mates:test_a_network_to_which_batch_mates_matter_is_found"
KEY = (
    "test_leaky_folds:test_a_cache_whose_key_lacks_the_cut_off_is_found_and_one_that_has_it_is_not"
)
BY_NAME = "test_leaky_folds:test_a_cache_by_file_name_is_found_for_no_future_moves_what_it_gives"
MOVING = "test_leaky_folds:test_fold_borders_that_move_when_the_file_grows_are_found"
EDITION = "test_editions:test_an_edition_that_knows_what_it_forecasts_is_found"

ZOO = (
    Leak(1, "loader", "closes filled from behind", "L1", LOADER, "M01 backfilled"),
    Leak(2, "loader", "linear between closes", "L1", LOADER, "M02 interpolated"),
    Leak(3, "loader", "idle days take the next trade", "L1", LOADER, "M03 next traded close"),
    Leak(4, "loader", "unit by a later close", "L1", LOADER, "M04 unit switched"),
    Leak(5, "loader", "factor from the file's median", "L1", LOADER, "M05 factor from the median"),
    Leak(6, "loader", "outliers by all rows", "L1", LOADER, "M06 outliers dropped"),
    Leak(7, "loader", "spike since it came back", "L1", LOADER, "M07 spike that came back"),
    Leak(8, "loader", "halt dated back", "L1", MASK, "M08 halts back-dated"),
    Leak(9, "loader", "volume from the median", "L1", LOADER, "M09 median volume"),
    Leak(10, "loader", "cut at the last gap", "L1", LOADER, "M10 after the last long gap"),
    Leak(11, "loader", "survivors alone", "L1", LOADER, "M11 survivors"),
    Leak(12, "loader", "universe by all volumes", "L1", LOADER, "M12 most traded"),
    Leak(13, "loader", "join takes the nearest row", "L1", NEWS, "M66 nearest session"),
    Leak(14, "loader", "realigned from the end", "L1", LOADER, "M14 realigned from the end"),
    Leak(15, "loader", "stamps dated in UTC", "L3", UTC),
    Leak(16, "loader", "over the last close", "L1", LOADER, "M16 over the last close"),
    Leak(17, "loader", "a later split in a level", "L4", LEVEL, "M17 the raw close as an input"),
    Leak(18, "features", "next close", "L1", FEATURE, "M18 next close"),
    Leak(19, "features", "the target", "L1", FEATURE, "M19 target"),
    Leak(20, "features", "centred mean", "L1", FEATURE, "M20 centred mean"),
    Leak(21, "features", "pivot by the next bar", "L1", FEATURE, "M21 pivot"),
    Leak(22, "features", "week's close from Monday on", "L1", FEATURE, "M22 weekly close"),
    Leak(23, "features", "month's mean over the month", "L1", FEATURE, "M23 month mean"),
    Leak(24, "features", "trend of the whole series", "L1", FEATURE, "M24 trend line"),
    Leak(25, "features", "low-pass of the whole series", "L1", FEATURE, "M25 low-pass"),
    Leak(26, "features", "filter there and back", "L1", FEATURE, "M26 forward-backward"),
    Leak(27, "features", "Kalman smoother", "L1", FEATURE, "M27 kalman smoother"),
    Leak(28, "features", "days to the next bar", "L1", FEATURE, "M28 days to next bar"),
    Leak(29, "features", "lag chosen on all rows", "L1", FEATURE, "M29 chosen lag"),
    Leak(30, "features", "volatility to t+1", "L1", FEATURE, "M30 volatility to t+1"),
    Leak(31, "scaling", "min-max of the series", "L1", FEATURE, "M31 min-max"),
    Leak(32, "scaling", "z-score of the series", "L1", FEATURE, "M32 z-score"),
    Leak(33, "scaling", "over the all-time high", "L1", FEATURE, "M33 all-time high"),
    Leak(34, "scaling", "rank in the series", "L1", FEATURE, "M34 rank"),
    Leak(35, "scaling", "clip by all rows", "L1", FEATURE, "M35 clipped"),
    Leak(36, "scaling", "gaps take the median", "L1", FEATURE, "M36 filled with the median"),
    Leak(37, "scaling", "window scaled with its horizon", "L1", FEATURE,
         "M37 window normalised with its horizon"),
    Leak(38, "scaling", "features scaled on all rows", "L2", ALL_ROWS),
    Leak(39, "scaling", "targets scaled on all labels", "L2", STAGE,
         "M39 target scaler of all labels"),
    Leak(40, "scaling", "scaler of fit and validation", "L2", VALID_ROWS),
    Leak(41, "splits", "rows shuffled", "L3", SPLIT, "M41 rows shuffled"),
    Leak(42, "splits", "purge short by one", "L2 (L3)", FIT, "one_session_late"),
    Leak(43, "splits", "no purge before validation", "L3 (L2)", PURGE, "train_unpurged"),
    Leak(44, "splits", "purge in calendar days", "L3 (L2)", PURGE, "calendar_days"),
    Leak(45, "splits", "stacked panel cut by row", "L3", SPLIT, "M45 stacked panel cut by row"),
    Leak(46, "splits", "window across a border", "L3", BORDER),
    Leak(47, "splits", "training after the test", "L3", SPLIT, "M47 training after the test"),
    Leak(48, "splits", "borders as shares", "L1", FIT, "borders_by_share"),
    Leak(49, "training", "stopped on the test", "L2", FIT, "stopping_on_test"),
    Leak(50, "training", "settings chosen on the test", "L2", STAGE,
         "M50 penalty chosen on the test"),
    Leak(51, "training", "features chosen on all rows", "L2", STAGE,
         "M51 columns selected on all rows"),
    Leak(52, "training", "symbols by the mean target", "L2", STAGE,
         "M52 symbol and weekday by the mean target of all rows"),
    Leak(53, "training", "the last fit for all folds", "L2", FIT, "last_fit_for_all"),
    Leak(54, "training", "batch mates matter", "L0", BATCH, "state_carried_over"),
    Leak(55, "calibration", "ranges from test errors", "L2", STAGE,
         "M55 conformal quantile of test errors"),
    Leak(56, "calibration", "ranges know t+h at t", "L1", RANGE, "outcomes_when_issued"),
    Leak(57, "calibration", "map or volatility of all data", "L2", STAGE,
         "M57 probability map of all data"),
    Leak(58, "stacking", "forecasts of rows learnt from", "L3", INPUTS,
         "M58 stacker of in-sample forecasts"),
    Leak(59, "stacking", "inner splits unpurged", "L3", INPUTS, "M59 inner splits without purge"),
    Leak(60, "stacking", "blend by test rows", "L2", STAGE, "M60 blend weights of test rows"),
    Leak(61, "cross-symbol", "by date before a close", "L1", UNCLOSED),
    Leak(62, "cross-symbol", "market of t+1; peers by all rows", "L1", ACROSS,
         "M62 market of the next session"),
    Leak(63, "cross-symbol", "one series, two names", "L3", TWIN),
    Leak(64, "cache", "key without the cut-off", "L2", KEY),
    Leak(65, "cache", "key by file name", "L1", BY_NAME),
    Leak(66, "outside data", "news of a date at its close", "L1", NEWS,
         "M66 date alone at its own close"),
    Leak(67, "pretrained", "weights that saw the test years", "L2", EDITION, "newest_of_all"),
    Leak(68, "scaling", "scaler over the test windows", "L2", STAGE,
         "M68 MinMaxScaler over the test windows"),
    Leak(69, "features", "the target among the inputs", "L1", FEATURE,
         "M69 the target column among the inputs"),
    Leak(70, "splits", "borders move as the file grows", "L1", MOVING),
    Leak(71, "cross-symbol", "rank by full membership", "L1", ACROSS,
         "M71 rank among all that the file lists"),
    Leak(72, "splits", "purge of the wrong side", "L3", SPLIT, "M72 purge of the wrong side"),
)  # fmt: skip
