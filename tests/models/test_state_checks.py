import numpy as np
import pytest
from nextclose.models.state_checks import (
    axis_lengths,
    checked_spread,
    curves_in,
    fact,
    names_in,
    refuse_not_above_zero,
)

LAYOUT = {"weights": "float64 horizon input", "levels": "float64 symbol", "since": "int64 symbol"}
SOUND = {"weights": np.zeros((3, 2)), "levels": np.zeros(4), "since": np.zeros(4, dtype=np.int64)}


def test_axes_get_their_lengths_from_what_is_known_and_from_the_arrays():
    found = axis_lengths(SOUND, LAYOUT, lengths={"input": 2})
    assert found == {"input": 2, "horizon": 3, "symbol": 4}


@pytest.mark.parametrize(
    ("name", "array", "says"),
    [
        ("weights", None, "no array weights, expected float64 horizon input"),
        ("weights", np.zeros((3, 2), dtype=np.float32), r"weights is float32 \(3, 2\)"),
        ("weights", np.zeros(3), r"weights is float64 \(3,\)"),
        ("weights", np.zeros((3, 5)), "weights has 5 along input, expected 2"),
        ("since", np.zeros(5, dtype=np.int64), "since has 5 along symbol, expected 4"),
        ("since", np.zeros(4), "since is float64"),
    ],
)
def test_an_array_that_does_not_fit_is_named(name, array, says):
    arrays = {key: value for key, value in {**SOUND, name: array}.items() if value is not None}
    with pytest.raises(ValueError, match=says):
        axis_lengths(arrays, LAYOUT, lengths={"input": 2})


def test_a_spread_has_a_row_for_each_horizon_and_23_levels():
    spread = np.zeros((2, 23))
    assert checked_spread({"spread": spread}, n_horizons=2) is spread
    for wrong in (np.zeros((3, 23)), np.zeros((2, 22)), spread.astype(np.float32)):
        with pytest.raises(ValueError, match="spread"):
            checked_spread({"spread": wrong}, n_horizons=2)


def test_zero_is_not_above_zero():
    refuse_not_above_zero({"a": np.array([1e-9, 2.0]), "none": np.empty(0)}, "a", "none")
    with pytest.raises(ValueError, match="b is not above 0"):
        refuse_not_above_zero({"a": np.ones(1), "b": np.array([1.0, 0.0])}, "a", "b")


@pytest.mark.parametrize("value", [True, 1.0, "1", None, [1]])
def test_a_count_is_a_whole_number_and_nothing_else(value):
    assert fact({"n": 1}, "n", kind=int) == 1
    with pytest.raises(ValueError, match=r"fact 'n' is .*, expected a int"):
        fact({"n": value}, "n", kind=int)


@pytest.mark.parametrize("facts", [{}, [], None, "names"])
def test_facts_that_are_none_are_refused(facts):
    with pytest.raises(ValueError, match="fact 'names' is None"):
        names_in(facts, "names")


@pytest.mark.parametrize("values", ["AAA", ["AAA", "AAA"], ["AAA", 1], [["AAA"]], {"AAA": 1}])
def test_names_are_distinct_texts_in_a_list(values):
    assert names_in({"names": ["B", "A"]}, "names") == ("B", "A")
    with pytest.raises(ValueError, match="fact 'names' is"):
        names_in({"names": values}, "names")


@pytest.mark.parametrize("curves", [None, [], {"loss": 1.0}, {"loss": ["x"]}, {"loss": [True]}])
def test_curves_are_lists_of_numbers(curves):
    assert curves_in({"curves": {"loss": [0.5, 1]}}) == {"loss": [0.5, 1]}
    with pytest.raises(ValueError, match="curve"):
        curves_in({"curves": curves})
