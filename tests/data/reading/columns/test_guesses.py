import polars as pl
import pytest

from nextclose.data.reading.columns.adjusted import may_hold_prices
from nextclose.data.reading.columns.guesses import looks_adjusted, mapping_fix
from nextclose.data.reading.columns.spellings import KNOWN, canonical_name
from nextclose.data.suggestions import suggestion_toml
from tests.data.bar_texts import bars, part, refusals, texts

ADJUSTED = [
    *("Split Adjusted", "Dividend Adjusted", "split-adj", "SplitAdj", "backadjusted", "divadj"),
    *("ratio_adjusted", "hfq", "qfq", "total return price", "TOT_RETURN_INDEX", "PX_LAST_TR"),
    *("TotalReturn_Close", "Stängt justerad", "調整後株価", "AdjDivClose", "adj_px"),
]
KNOWN_ADJUSTED = [
    *(
        "后复权",
        "後復權",
        "复权价",
        "后复权收盘价",
        "修正後終値",
        "調整済み終値",
        "株式分割調整後終値",
    ),
    *("Zamkniecie skorygowane", "ajClose", "前復權"),
]
NOT_ADJUSTED = [
    *("adj_factor", "split ratio", "dividends", "Split Adjustment Factor", "adj_split", "Adj Open"),
    *(
        "Adj Dividend",
        "dividend adjustment",
        "复权因子",
        "調整係数",
        "調整後始値",
        "split_adj_volume",
    ),
    *("hfq_factor", "qfq_open", "unadjusted", "total_return", "TR", "Total Return %", "adj ratio"),
]
NO_CLOSE = [
    *("next_close", "future_close", "close_fwd", "tomorrow_close", "prevclose", "closeLag1"),
    *("close_time", "Closed", "close_ma20", "Close (norm)", "logclose", "predicted_close"),
    *("close_zscore", "closing_date", "closeSMA50", "Close_t+1", "bid_close", "close_shift1"),
    *("strike_price", "px_last_prev", "last_update", "model_price", "dividend_price"),
]


@pytest.mark.parametrize("name", ADJUSTED)
def test_a_price_adjusted_in_some_way_is_asked_about(name):
    assert looks_adjusted(name)
    frame = texts().with_columns(pl.lit("7.5").alias(name))
    assert [f.code for f in refusals(frame, symbol="AAPL")] == ["E25"]
    assert part(frame, columns={name: "adj_close"}).basis == "adjusted"


@pytest.mark.parametrize("name", KNOWN_ADJUSTED)
def test_an_adjusted_close_in_a_language_of_ours_is_used(name):
    assert KNOWN[canonical_name(name)] == "adj_close"


@pytest.mark.parametrize("name", NOT_ADJUSTED)
def test_factors_dividends_and_other_fields_are_no_adjusted_close(name):
    assert not looks_adjusted(name)
    assert bars(texts().with_columns(pl.lit("7.5").alias(name))).basis == "unknown"


def test_flags_and_words_under_such_a_name_are_none():
    for cells in (["true", "false"], ["1", "0"], ["hfq", "qfq"], [None, None], [True, False]):
        assert not may_hold_prices(pl.Series(cells))
    assert may_hold_prices(pl.Series(["1", "7.5"]))


@pytest.mark.parametrize("name", NO_CLOSE)
def test_a_name_that_says_that_it_is_something_else_is_never_offered_as_the_close(name):
    assert "columns = {" not in mapping_fix(
        ["date", name], present={"session", "symbol"}, missing="close"
    )
    (finding,) = refusals(texts().rename({"close": name}), symbol="AAPL")
    assert (finding.code, suggestion_toml([finding])) == ("E21", "")


@pytest.mark.parametrize("name", ["cloze", "clsoe", "closing_x", "CLOSE_P", "px_close_eod"])
def test_a_slip_or_a_word_for_the_close_is_offered(name):
    assert f'"{name}" = "close"' in mapping_fix(["dt", name], present=set(), missing="close")
