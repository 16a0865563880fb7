"""The calendars kept beside the code are those of the library, and quick to ask."""

import importlib.metadata

import numpy as np
import pytest

from nextclose.data.calendars import library
from nextclose.data.calendars.evidence import KNOWN, SUNDAYS
from nextclose.data.calendars.library import calendar_of, kept_calendar, library_calendar
from nextclose.errors import ConfigError


def assert_same(exchange: str) -> None:
    kept, built = kept_calendar(exchange), library_calendar(exchange)
    assert kept is not None
    assert kept.zone == built.zone
    np.testing.assert_array_equal(kept.sessions, built.sessions)
    np.testing.assert_array_equal(kept.closes, built.closes)


@pytest.mark.parametrize("exchange", ["XNYS", "XTKS", "CMES", "24/7"])
def test_a_kept_calendar_is_what_the_library_builds(exchange):
    assert_same(exchange)


@pytest.mark.slow
def test_every_kept_calendar_is_what_the_library_builds():
    names = {name.partition(" ")[0] for name in library.kept_arrays()} - {"release"}
    assert len(names) > 60
    for exchange in names:
        assert_same(exchange)


def test_the_file_is_of_the_release_that_is_installed():  # else: make calendars
    assert library._release_of_file() == importlib.metadata.version("exchange_calendars")


def test_every_candidate_is_kept():
    assert all(kept_calendar(exchange) for exchange in (*KNOWN, *SUNDAYS))


def test_another_release_of_the_library_is_asked_itself(monkeypatch):
    asked = []
    monkeypatch.setattr(library, "_release_of_file", lambda: "1.0")
    monkeypatch.setattr(library, "library_calendar", lambda name: asked.append(name))
    calendar_of.__wrapped__("XNYS")
    assert asked == ["XNYS"]


def test_an_unknown_exchange_names_the_nearest():
    with pytest.raises(ConfigError, match="'XNYS'"):
        calendar_of("XNYX")
