import io
import os
import signal
import subprocess
import sys
import threading
from datetime import date

import numpy as np
import polars as pl
import pytest

from nextclose.data.reading.file_errors import UnusableFileError
from nextclose.data.sources import parquet, parquet_child
from nextclose.data.sources.parquet import parquet_frame

PRICES = pl.DataFrame(
    {
        "symbol": ["NA", "B"],
        "date": [date(2019, 3, 4), date(2019, 3, 5)],
        "close": [1.1, None],
        "volume": [2**60 + 1, 2],
    }
)


def packed(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


WHOLE = packed(PRICES)
NESTED = PRICES.with_columns(pl.concat_list("close").alias("close"))
STRUCT = PRICES.select(pl.struct("date", "close").alias("bar"), "symbol")
HUGE = pl.DataFrame({"date": np.zeros(4_000_000, np.int32), "close": np.ones(4_000_000)})

REFUSED = [
    ("nothing", b"", 2, "an empty file"),
    ("no rows", packed(PRICES.clear()), 3, "0 data rows"),
    ("text", b"date,close\n2019-03-04,1\n", 19, "no mark of Parquet at both ends"),
    ("cut short", WHOLE[:-20], 19, "no mark of Parquet at both ends"),
    ("marks alone", b"PAR1PAR1", 19, "no mark of Parquet at both ends"),
    (
        "a footer longer than the file",
        WHOLE[:-8] + (10**6).to_bytes(4, "little") + b"PAR1",
        19,
        f"a footer of 1000000 bytes in a file of {len(WHOLE)}",
    ),
    ("a footer of noise", WHOLE[:-40] + b"\xff" * 32 + WHOLE[-8:], 19, ""),
    ("a list", packed(NESTED), 19, "column 'close' of type List(Float64)"),
    ("a struct", packed(STRUCT), 19, "column 'bar' of type Struct"),
    ("a bomb", packed(HUGE), 19, "a declared size of 128000000 bytes in a file of"),
]


def test_a_parquet_file_is_read_to_the_bit():
    assert parquet_frame(WHOLE).equals(PRICES)
    assert parquet_frame(WHOLE).schema == PRICES.schema


@pytest.mark.parametrize(
    ("data", "number", "found"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_an_odd_parquet_file_is_refused_and_the_next_one_read(data, number, found):
    with pytest.raises(UnusableFileError) as raised:
        parquet_frame(data)
    assert raised.value.number == number
    assert raised.value.found.startswith(found)
    assert raised.value.fix
    assert parquet_frame(WHOLE).equals(PRICES)


def test_damaged_pages_are_refused():
    data = bytearray(
        packed(pl.DataFrame({"date": ["x" * 50] * 50, "close": [0.1 * k for k in range(50)]}))
    )
    data[8:60] = b"\xff" * 52
    with pytest.raises(UnusableFileError, match=r".") as raised:
        parquet_frame(bytes(data))
    assert raised.value.number == 19


def test_a_child_that_dies_is_a_refusal_and_a_new_one_reads_on():
    parquet_frame(WHOLE)
    child = parquet._Child.shared()._process
    killer = threading.Timer(0.2, os.kill, (child.pid, signal.SIGKILL))
    os.kill(child.pid, signal.SIGSTOP)  # it cannot answer before it dies
    killer.start()
    with pytest.raises(UnusableFileError, match=r"reading it ended its process \(signal 9\)"):
        parquet_frame(WHOLE)
    killer.join()
    assert parquet_frame(WHOLE).equals(PRICES)
    assert parquet._Child.shared()._process.pid != child.pid


def test_a_file_that_takes_too_long_is_given_up(monkeypatch):
    parquet_frame(WHOLE)
    monkeypatch.setattr(parquet, "BASE_SECONDS", 0.2)
    os.kill(parquet._Child.shared()._process.pid, signal.SIGSTOP)
    with pytest.raises(UnusableFileError, match="reading it ended its process"):
        parquet_frame(WHOLE)


def test_what_a_sound_table_does_not_need_is_not_to_be_had():
    code = (
        "from nextclose.data.sources import parquet_child as child\n"
        "child._limit_memory(bytes(1000), 16_000)\n"
        "bytearray(64 << 20)\n"
        "print('a little', flush=True)\n"
        "bytearray(4 << 30)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "a little\n"
    assert "MemoryError" in done.stderr


def test_the_child_answers_one_request_after_the_other(monkeypatch):
    # our own process must not be capped by what is tried here
    monkeypatch.setattr(parquet_child, "_limit_memory", lambda data, n_declared: None)
    asked = [WHOLE, b"PAR1", WHOLE]
    requests = io.BytesIO(b"".join(len(data).to_bytes(8) + data for data in asked))
    replies = io.BytesIO()
    parquet_child.main(requests, replies)
    replies.seek(0)
    for data in asked:
        problem, n = replies.readline(), int.from_bytes(replies.read(8))
        payload = replies.read(n)
        assert (problem == b"{}\n") == (data == WHOLE)
        assert data != WHOLE or pl.read_ipc(io.BytesIO(payload)).equals(PRICES)
