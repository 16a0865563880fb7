"""What other companies taught: the files, which of them a day may use, and how it is blended."""

import importlib.resources
import json
import math
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from benchmarks.loghar_prior import INPUTS, STEPS

from nextclose.features.table import make_table
from nextclose.models.loghar import loghar
from nextclose.models.loghar.loghar import available_inputs, centred_spread
from nextclose.models.loghar.prior import (
    FOLDER,
    HORIZONS,
    Prior,
    at_horizon,
    prior_at,
    prior_of,
    shipped_priors,
)
from nextclose.samples.samples import make_samples
from nextclose.samples.splits import known_at, originating_from
from nextclose.schema import LEVELS, MEDIAN, Floats
from tests.builders import bare_samples, close_only, daily_samples, day, walk_bars

FIRST, OLD, NEW = "1994-12-31", "2004-12-31", "2017-10-31"
FILES = sorted(
    (
        file
        for file in importlib.resources.files("nextclose.models.loghar").joinpath(FOLDER).iterdir()
    ),
    key=lambda file: file.name,
)
SHIPPED = [json.loads(file.read_text()) for file in FILES]
BOTH = pytest.mark.parametrize("content", SHIPPED, ids=[file.name for file in FILES])


# --- the files ---


def test_the_shipped_priors_are_those_of_the_files_the_oldest_first():
    assert [file.name for file in FILES] == [f"until-{until}.json" for until in (FIRST, OLD, NEW)]
    assert [prior.until for prior in shipped_priors()] == [FIRST, OLD, NEW]
    for prior, content in zip(shipped_priors(), SHIPPED, strict=True):
        assert prior.until == content["until"]
        np.testing.assert_array_equal(prior.shape, content["shape"])
        for table, weights in zip(prior.weights, content["weights"].values(), strict=True):
            np.testing.assert_array_equal(table, weights)


def some_inputs(*, with_range: bool, with_market: bool) -> tuple[str, ...]:
    """What a fit reads of a panel of five symbols."""
    bars = walk_bars(tuple(420 - 7 * k for k in range(5)))
    table = make_table(bars if with_range else close_only(bars), market=with_market)
    return available_inputs(make_samples(table))


@BOTH
def test_every_set_of_inputs_that_a_fit_may_have_has_its_table_with_the_same_names(content):
    sets = [some_inputs(with_range=r, with_market=m) for r, m in product((False, True), repeat=2)]
    assert sorted(content["inputs"].values()) == sorted(map(list, sets))
    assert content["inputs"].keys() == content["weights"].keys()
    prior = prior_of(content)
    for names, inputs in content["inputs"].items():
        # the constant first, the level of the long run last
        table = np.array(content["weights"][names])
        assert table.shape == (len(HORIZONS), 1 + len(inputs) + 1)
        blended = prior.blended_weights(np.zeros(table.shape[1]), n_rows=0, horizon_sessions=7)
        np.testing.assert_array_equal(blended, table[1])


@BOTH
def test_it_was_taught_by_what_the_benchmark_says_and_at_the_horizons_that_are_read(content):
    assert content["inputs"] == {name: list(columns) for name, columns in INPUTS.items()}
    assert tuple(content["horizons"]) == HORIZONS == (1, 7, 30)
    assert content["first"] < "1980" < content["until"]
    assert content["companies"] > 100


@BOTH
def test_a_shape_rises_is_0_at_the_median_and_linear_beside_it(content):
    shape = np.array(content["shape"])
    assert shape.shape == (len(HORIZONS), len(LEVELS))
    assert (np.diff(shape, axis=1) > 0).all()
    np.testing.assert_array_equal(shape[:, MEDIAN], 0.0)
    for side in (-1, 1):
        np.testing.assert_allclose(
            shape[:, MEDIAN + side] * STEPS, shape[:, MEDIAN + side * STEPS], atol=2e-4
        )


# --- which one ---


@pytest.mark.parametrize(
    ("last_session", "until"),
    [
        ("1962-01-02", FIRST),  # before all of them: the oldest, which has seen what came after
        ("1995-01-03", FIRST),
        ("2004-12-31", FIRST),  # the day the second ends on
        ("2005-01-03", OLD),
        ("2017-10-31", OLD),  # the day the newer ends on
        ("2017-11-01", NEW),
        ("2026-11-30", NEW),
    ],
)
def test_a_fit_takes_the_newest_that_had_ended_before_its_day(last_session, until):
    assert prior_at(np.datetime64(last_session)).until == until


def content_of(**changes: Any) -> dict[str, Any]:
    return {"until": "2001-12-31", "weights": {"a": [[1.0]], "b": [[1.0, 2.0]]}, "shape": [[0.0]],
            **changes}  # fmt: skip


def test_a_prior_without_a_day_or_with_two_tables_for_one_width_is_refused():
    assert prior_of(content_of(more="is not read")).until == "2001-12-31"
    with pytest.raises(ValueError, match="Invalid isoformat string"):
        prior_of(content_of(until="2001"))
    with pytest.raises(ValueError, match="two tables of weights are for as many inputs"):
        prior_of(content_of(weights={"a": [[1.0]], "b": [[2.0]]}))


# --- between horizons, and blended ---


TABLE = np.array([[0.0, 10.0], [1.0, 20.0], [3.0, 0.0]])
BETWEEN = [  # horizon, first column, second column
    (1, 0.0, 10.0),
    (7, 1.0, 20.0),
    (30, 3.0, 0.0),
    (250, 3.0, 0.0),  # beyond them as at the end
    (math.sqrt(7), 0.5, 15.0),  # half-way from ln 1 to ln 7
    (math.sqrt(210), 2.0, 10.0),  # half-way from ln 7 to ln 30
]


@pytest.mark.parametrize(("horizon", "first", "second"), BETWEEN)
def test_between_horizons_the_prior_is_linear_in_the_logarithm(horizon, first, second):
    np.testing.assert_allclose(at_horizon(TABLE, horizon), [first, second], atol=1e-12)


MADE_UP = Prior(
    until="2001-12-31",
    weights=(TABLE, np.arange(9.0).reshape(3, 3)),
    shape=np.stack([k * (LEVELS - 0.5) for k in (1, 2, 3)]),
)


@pytest.mark.parametrize(
    ("n_rows", "horizon", "share"),
    [(2000, 1, 1 / 2), (6000, 1, 3 / 4), (14000, 7, 1 / 2), (15000, 30, 1 / 5), (0, 7, 0.0)],
)
def test_own_weights_count_their_rows_and_the_prior_2000_for_each_session(n_rows, horizon, share):
    for table in MADE_UP.weights:
        prior = table[HORIZONS.index(horizon)]
        own: Floats = 5.0 + np.arange(table.shape[1], dtype=np.float64)
        np.testing.assert_allclose(
            MADE_UP.blended_weights(own, n_rows=n_rows, horizon_sessions=horizon),
            prior + share * (own - prior),
        )


@pytest.fixture
def made_up(monkeypatch) -> list[np.datetime64]:
    """The days that were asked for a prior, which is made up."""
    asked: list[np.datetime64] = []

    def prior_at(session: np.datetime64) -> Prior:
        asked.append(session)
        return MADE_UP

    monkeypatch.setattr(loghar, "prior_at", prior_at)
    return asked


def test_a_spread_is_that_of_the_rows_about_its_median_and_the_priors_300_for_each_session(made_up):
    calendar = day(0) + np.arange(401)
    samples = bare_samples([calendar, calendar], horizons=(1, 7))
    known = known_at(samples, day(398))
    train, valid = known_at(samples, day(300)), originating_from(known, day(300))
    ratio = np.full(samples.target.shape, 2.0)
    grid = centred_spread(train, valid, ratio=ratio)
    assert set(made_up) == {day(398)}  # the last session that the fit knows
    # at one session origins 0..299 of train and 300..397 of valid: 796 of both symbols
    # at seven 0..293 and 300..391: 772
    for k, ends, n in ((0, (300, 398), 796), (1, (294, 392), 772)):
        own = np.concatenate([samples.target[a + start : b + start, k] for start in (0, 401)
                              for a, b in ((0, ends[0]), (300, ends[1]))])  # fmt: skip
        assert len(own) == n
        own = np.quantile(own / 2, LEVELS)
        worth = 300 * samples.horizons[k]
        expected = (n * (own - own[MEDIAN]) + worth * MADE_UP.shape[k]) / (n + worth)
        np.testing.assert_allclose(grid[k], expected, atol=1e-12)
    np.testing.assert_array_equal(grid[:, MEDIAN], 0.0)


def test_a_spread_forgets_what_is_older_than_ten_years(made_up):
    returns = np.concatenate([np.full(300, 0.5), np.random.default_rng(0).normal(0, 0.02, 2522)])
    samples = daily_samples(2822, horizons=(1,), returns=[returns])
    train, valid = known_at(samples, day(2700)), originating_from(samples, day(2700))
    grid = centred_spread(train, valid, ratio=np.ones((2822, 1)))
    own = np.quantile(samples.target[302:2821, 0], LEVELS)  # 2,519 with an outcome
    expected = (2519 * (own - own[MEDIAN]) + 300 * MADE_UP.shape[0]) / 2819
    np.testing.assert_allclose(grid[0], expected, atol=1e-12)


def test_what_everybody_gains_does_not_move_the_spread(made_up):
    samples = daily_samples(500, horizons=(1,))
    higher = replace(samples, target=samples.target + 0.3)
    one, two = (
        centred_spread(
            known_at(s, day(300)), originating_from(s, day(300)), ratio=np.ones((500, 1))
        )
        for s in (samples, higher)
    )
    np.testing.assert_allclose(one, two, atol=1e-12)
