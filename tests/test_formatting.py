import pytest

from nextclose.formatting import (
    NOTHING,
    axis_share,
    count,
    data_size,
    interval,
    interval_text,
    number,
    p_value,
    p_value_text,
    percent,
    quantity,
    sessions,
    share,
    share_interval,
    signed_percent,
    significant,
    terminal_number,
    times,
    with_level,
    yes_or_no,
)


def test_counts_have_thousands_and_their_noun_a_plural():
    assert [count(1234), count(1259.6)] == ["1,234", "1,260"]
    assert [quantity(n, "bar") for n in (0, 1, 2000)] == ["0 bars", "1 bar", "2,000 bars"]
    assert [sessions(1), sessions(30)] == ["1 session", "30 sessions"]


def test_sizes_of_data_have_two_digits_or_three():
    sizes = (0, 999, 1000, 9_949, 9_950, 812_000, 24_600_000_000, 5e15)
    assert [data_size(size) for size in sizes] == [
        *("0 bytes", "999 bytes", "1.0 kB", "9.9 kB", "10 kB", "812 kB", "25 GB", "5,000 TB")
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.5, "1,234.50"), (-0.256, "−0.26"), (None, "–"), (float("nan"), "–")],  # noqa: RUF001
)
def test_a_number_has_thousands_a_true_minus_and_a_dash_for_nothing(value, text):
    assert number(value, decimals=2) == text


def test_what_rounds_to_nothing_has_no_sign():
    assert number(-0.0004, decimals=2) == "0.00"
    assert number(0.0004, decimals=2, signed=True) == "0.00"
    assert share(-0.00001, signed=True) == "0.0%"


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.00099, "< 0.001"), (0.0421, "0.042"), (0.3, "0.30"), (None, "–")],  # noqa: RUF001
)
def test_a_p_value_shows_the_digits_that_matter(p, text):
    assert p_value(p) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.00123456, "0.001235"),
        (12.3456, "12.35"),
        (98765.4, "98,765"),
        (0.0, "0"),
        (None, NOTHING),
    ],
)
def test_a_figure_of_unknown_size_has_four_digits_that_say_something(value, text):
    assert significant(value) == text


def test_an_interval_has_as_many_decimals_as_the_figure_it_belongs_to():
    assert interval((0.99, 1.0004), decimals=3) == "0.990 to 1.000"
    assert share_interval((0.01, 0.025), signed=True) == "+1.0 to +2.5%"
    assert share_interval((-0.0012, 0.01234), decimals=2, unit="") == "−0.12 to 1.23"  # noqa: RUF001
    assert [interval(None, decimals=3), share_interval(None)] == [NOTHING, NOTHING]


def test_an_interval_in_words_says_its_level_and_without_one_nothing_is_said():
    assert with_level("1 to 2") == "95% interval 1 to 2"
    assert with_level(NOTHING) == ""
    assert interval_text((-0.01, 0.02)) == "95% interval -1.0 to 2.0%"
    assert interval_text(None) == ""


def test_no_answer_is_neither_yes_nor_no():
    assert [yes_or_no(x) for x in (True, False, None)] == ["yes", "no", NOTHING]


def test_a_tick_has_the_digits_of_its_step():
    assert [axis_share(x) for x in (0.9, -0.0025, 0.0)] == ["90%", "−0.25%", "0%"]  # noqa: RUF001


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0.0052, "0.52%"), (0.026, "2.6%"), (-0.0000001, "0.00%"), (-0.0052, "-0.52%")],
)
def test_percentages_below_one_have_two_decimals_in_a_sentence_and_zero_has_no_sign(fraction, text):
    assert percent(fraction) == text


def test_signs_ratios_and_p_values_in_a_sentence():
    assert (signed_percent(0.01), signed_percent(-0.02)) == ("+1.0%", "-2.0%")
    assert (times(2.345), times(12.3), times(1234.0)) == ("2.3", "12", "1,234")
    assert p_value_text(None, 3) == ""
    assert p_value_text(0.00001, 1) == "p < 0.001"
    assert p_value_text(0.0123, 20) == "p = 0.012, 20 comparisons"


def test_a_terminal_shows_nothing_for_nothing():
    assert [terminal_number(x, "+.1%") for x in (0.031, -0.031, None)] == ["+3.1%", "-3.1%", ""]
