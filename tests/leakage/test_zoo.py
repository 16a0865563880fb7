"""The gate: each leak of the zoo has the test that kills it, and enough honest code is cleared."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from tests.leakage.leaky_folds import STAGES
from tests.leakage.leaky_panels import HONEST_ACROSS, LEAKY_ACROSS
from tests.leakage.leaky_splits import LEAKY_SPLITS, STACKERS
from tests.leakage.mutants import HONEST_FEATURES, HONEST_LOADERS, LEAKY_FEATURES, LOADERS
from tests.leakage.open_targets import Mutant
from tests.leakage.test_news import LEAKS as NEWS
from tests.leakage.zoo import ZOO, Leak

NAMED_AT_ONCE: dict[str, set[str]] = {  # tests of all these columns together
    "test_every_feature_that_looks_ahead_is_named_and_no_other": {*LEAKY_FEATURES},
    "test_every_column_across_symbols_that_looks_ahead_is_named_and_no_other": {*LEAKY_ACROSS},
}


def test_every_number_is_there_once():
    assert [leak.number for leak in ZOO] == list(range(1, 73))


def names_in(value: Any) -> Iterator[str]:
    """What an argument of a test may be called by."""
    if isinstance(value, Mutant):
        yield value.leak.__name__
    elif isinstance(value, str):
        yield value
    elif callable(value):
        yield value.__name__
    elif hasattr(value, "values") and hasattr(value, "id"):  # pytest.param
        yield str(value.id)
        yield from names_in(list(value.values))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from names_in(part)


def cases_of(test: Any) -> set[str]:
    """Names of all that the test is given."""
    given = [mark.args[1] for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    return {name for values in given for name in names_in(list(values))}


@pytest.mark.parametrize("leak", ZOO, ids=lambda leak: f"M{leak.number:02}")
def test_the_test_that_kills_it_exists_and_is_given_it(leak: Leak):
    module, _, name = leak.killed_by.partition(":")
    test = getattr(import_module(f"tests.leakage.{module}"), name)
    cases = NAMED_AT_ONCE.get(name) or cases_of(test)
    assert bool(leak.case) == bool(cases), "a test of many needs the name of the mutant"
    assert not leak.case or leak.case in cases
    marks = {mark.name for mark in getattr(test, "pytestmark", ())}
    assert not marks & {"skip", "skipif", "xfail", "slow"}


def test_every_mutant_with_a_number_has_a_row():
    named = [*LOADERS, *LEAKY_FEATURES, *LEAKY_ACROSS, *STAGES, *LEAKY_SPLITS, *STACKERS, *NEWS]
    numbers = {int(name[1:3]) for name in named if name[0] == "M" and name[1:3].isdigit()}
    assert len(numbers) > 40
    assert numbers <= {leak.number for leak in ZOO}


def test_enough_honest_code_is_cleared():
    """By the very tests that kill the leaks: each of these names is in one of them."""
    assert len({*HONEST_FEATURES, *HONEST_LOADERS, *HONEST_ACROSS}) >= 30
    assert all(len(pair) == 2 for pair in STAGES.values())  # each with its honest twin
