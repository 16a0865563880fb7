"""Prices as no vendor writes them: the loader answers, and soundly. `make fuzz` does a million."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.harness import SUFFIXES, answer, seeds

HEADERS = (
    "date",
    "Date",
    "symbol",
    "Ticker",
    "open",
    "high",
    "low",
    "close",
    "Adj Close",
    "volume",
)
CELLS = st.one_of(
    st.dates().map(str),
    st.floats().map(str),
    st.integers().map(str),
    st.sampled_from(
        ("", "nan", "null", "N/A", "-", "1,234.5", "1,5", '"', '""', "03/04/2019", "20190304", "=1")
    ),
    st.text(max_size=8),
)
SEPARATORS = st.sampled_from((",", ";", "\t", "|"))
ENDS = st.sampled_from(("\n", "\r\n", "\r", "\n\n"))
MANY = settings(
    max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def tables(draw: Callable[..., object]) -> bytes:
    """Separated text with a plausible header and implausible cells."""
    names = draw(st.lists(st.sampled_from(HEADERS), min_size=1, max_size=8))
    rows = draw(st.lists(st.lists(CELLS, min_size=1, max_size=len(names)), max_size=12))  # type: ignore[arg-type]
    separator, end = str(draw(SEPARATORS)), str(draw(ENDS))
    lines = [separator.join(row) for row in [names, *rows]]  # type: ignore[misc]
    return end.join(lines).encode("utf-8", "surrogatepass")


@MANY
@given(tables(), st.integers(0, 255), st.integers(0, 3))
def test_any_table_gets_a_sound_answer(
    tmp_path: Path, table: bytes, kind: int, config: int
) -> None:
    answer(bytes([kind, config]) + table, tmp_path)


@MANY
@given(st.binary(max_size=400), st.integers(0, 7))
def test_any_bytes_get_a_sound_answer(tmp_path: Path, noise: bytes, kind: int) -> None:
    answer(bytes([kind, 0]) + noise, tmp_path)


EDITS = st.lists(
    st.tuples(st.integers(0, 1 << 16), st.integers(0, 3), st.binary(max_size=3)),
    min_size=1,
    max_size=6,
)


@cache
def good_files() -> list[bytes]:
    """Every file of the catalogue; no argument of a test, for those are written out if it fails."""
    with TemporaryDirectory() as folder:
        return seeds(Path(folder))


@MANY
@given(st.integers(0, 1 << 10), EDITS)
def test_a_good_file_with_some_bytes_changed_gets_a_sound_answer(
    tmp_path: Path, which: int, edits: list[tuple[int, int, bytes]]
) -> None:
    good = good_files()
    seed = bytearray(good[which % len(good)])
    for place, n_gone, new in edits:
        at = place % max(len(seed), 1)
        seed[at : at + n_gone] = new
    answer(bytes(seed), tmp_path)


def test_the_catalogue_gives_the_fuzzer_much_to_begin_with() -> None:
    assert len(good_files()) > 150


def nameless_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        member = zipfile.ZipInfo("AAPL.csv")
        member.filename = ""
        archive.writestr(member, b"date,close\n2019-03-05,1\n")
    return buffer.getvalue()


ONCE_BROKEN = {
    "no close throughout, and a high below open": b"\0\0date,symbol,open,high,low,close,volume\n"
    b"2019-03-05,AAPL,10.1,10.5,9.9,,1010\n2019-03-06,AAPL,10.6,10.4,9.4,,1080\n",
    "a ZIP whose member has no name": bytes([SUFFIXES.index(".zip"), 0]) + nameless_zip(),
}


@pytest.mark.parametrize("name", ONCE_BROKEN)
def test_what_once_broke_the_loader_gets_an_answer(tmp_path: Path, name: str) -> None:
    answer(ONCE_BROKEN[name], tmp_path)
