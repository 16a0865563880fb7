"""What must hold of any bytes that somebody calls prices: an answer, and a sound one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

import polars as pl

from nextclose.config import DataConfig
from nextclose.data.sources.csvfiles import csv_text_prices
from nextclose.data.sources.loading import load_usable_bars
from nextclose.schema import Bars, Finding
from tests.catalogue.cases import Case
from tests.catalogue.columns import COLUMN_CASES
from tests.catalogue.dates import DATE_CASES
from tests.catalogue.files import FILE_CASES
from tests.catalogue.values import VALUE_CASES

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SUFFIXES = (".csv", ".csv", ".csv", ".csv", ".csv.gz", ".zip", ".csv.zst", ".parquet")
LENIENT = DataConfig(
    duplicates="last",
    nonpositive="drop",
    gaps="split",
    fill="ffill:2",
    spikes="clip",
    numeric_symbols=True,
)
FOREIGN = DataConfig(
    encoding="latin-1", separator=";", decimal=",", thousands=".", date_format="%d.%m.%Y"
)
CONFIGS = (DataConfig(), DataConfig(), LENIENT, FOREIGN)
N_CHARACTERS = 300
LONGEST = 4096  # bytes of an input; packed ones hold up to a thousand times as much


def answer(data: bytes, folder: Path) -> Bars:
    """The bars of `data`, whose first two bytes choose the file's ending and the settings.

    Raises: AssertionError where the answer is not sound; any other exception is a bug.
    """
    suffix, config, content = parse_input(data)
    path = folder / f"AAPL{suffix}"
    path.write_bytes(content)
    bars = load_usable_bars(path, config=config, now=NOW)
    refuse_unsound(bars)
    return bars


def reading_answer(data: bytes, folder: Path) -> None:
    """The same as far as prices before the rules, in memory; all the way for one in eight.

    The rules cost ten times as much as reading, and most of what a fuzzer writes never reaches
    them. Which one goes all the way is told by its bytes, so that a failure can be seen again.
    """
    suffix, config, content = parse_input(data)
    if suffix != ".csv" or crc32(data) % 8 == 0:
        answer(data, folder)
        return
    prices = csv_text_prices(content, path="AAPL.csv", symbol="AAPL", config=config)
    refuse_unfit_findings(prices.findings)
    assert prices.frame is not None or prices.findings


def parse_input(data: bytes) -> tuple[str, DataConfig, bytes]:
    """The ending, the settings and the content that an input stands for."""
    head = data[:2].ljust(2, b"\0")
    return SUFFIXES[head[0] % len(SUFFIXES)], CONFIGS[head[1] % len(CONFIGS)], data[2:]


def refuse_unsound(bars: Bars) -> None:
    """Raise AssertionError unless the bars are what `schema.Bars` promises."""
    frame = bars.frame
    keys = frame.select("symbol", "session")
    assert keys.is_unique().all()
    assert frame.equals(frame.sort("symbol", "session"))
    assert frame["close"].is_finite().all()
    assert (frame["close"] > 0).all()
    gaps = {name for name in frame.columns if frame[name].null_count()}
    assert gaps <= {"open", "high", "low", "volume"}, gaps
    for name in {"open", "high", "low"} & {*frame.columns}:  # what is known of a range is sound
        price = frame[name].drop_nulls()
        assert price.is_finite().all()
        assert (price > 0).all()
    if {"high", "low"} <= {*frame.columns}:
        assert (frame["high"] >= frame["close"]).fill_null(value=True).all()
        assert (frame["low"] <= frame["close"]).fill_null(value=True).all()
    if "volume" in frame.columns:
        assert (frame["volume"] >= 0).fill_null(value=True).all()
    assert frame.height or any(finding.response == "E" for finding in bars.findings)
    assert frame["segment"].dtype == pl.Int32
    refuse_unfit_findings(bars.findings)


def refuse_unfit_findings(findings: Sequence[Finding]) -> None:
    """Raise AssertionError unless each fits a line that anybody may print."""
    for finding in findings:
        line = finding.line()
        assert len(line) <= N_CHARACTERS, line
        assert line.isprintable(), ascii(line)
        assert finding.response != "E" or finding.fix


def seeds(folder: Path) -> list[bytes]:
    """Every catalogue case of one file as an input: where a fuzzer may begin."""
    return [seed for case in _cases() for seed in _seeds_of(case, folder)]


def _cases() -> tuple[Case, ...]:
    return (*FILE_CASES, *COLUMN_CASES, *DATE_CASES, *VALUE_CASES)


def _seeds_of(case: Case, folder: Path) -> list[bytes]:
    own = folder / f"{abs(hash(case.name))}"
    own.mkdir(parents=True)
    inputs = []
    for argument in case.write(own):
        path = Path(argument)
        if not path.is_file() or path.is_symlink() or path.stat().st_size > LONGEST:
            continue
        suffix = "".join(path.suffixes)
        kind = SUFFIXES.index(suffix) if suffix in SUFFIXES else 0
        inputs.append(bytes([kind, 2 if case.data else 0]) + path.read_bytes())
    return inputs
