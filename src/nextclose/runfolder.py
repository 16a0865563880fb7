"""[shell] The run folder: settings, forecasts, verdict, report and figures of a backtest."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import polars as pl
import tomli_w

from nextclose.config import FORMAT as CONFIG_FORMAT
from nextclose.config import RunConfig
from nextclose.evaluation.verdict.document import FORMAT
from nextclose.folders import OpenFolder, open_folder
from nextclose.report.exports import json_text
from nextclose.report.page import ReportContent, figure_files, render_page

ROWS_AT_ONCE = 1 << 17  # of a Parquet file, while it is made
PARTS = ("config.toml", "forecasts.parquet", "figures", "report.html", "verdict.json")
KEYS = ("format", "run", "rows")  # of verdict.json
TASKS, BUNDLE = "tasks", "bundle"  # finished fits, and what `nextclose demo` trains


def run_folder(path: Path) -> AbstractContextManager[OpenFolder]:
    """The run folder at `path` for this process alone: one that cannot be written is found now.

    Raises: LockedError while another process has it; OutputError.
    """
    return open_folder(path, parts=PARTS, keys=KEYS, beside=(TASKS, BUNDLE))


def run_files(
    content: ReportContent,
    *,
    forecasts: pl.DataFrame,
    document: Mapping[str, Any],
    figures: bool = True,
) -> Iterator[tuple[str, bytes]]:
    """Every file of a run folder by its name: of the report its content, its pictures too."""
    yield "config.toml", content.run.config.encode()
    yield "forecasts.parquet", _parquet(forecasts)
    yield "verdict.json", json_text(document, what="verdict.json", indent=1).encode()
    yield "report.html", render_page(content).encode()
    for name, picture in figure_files(content).items() if figures else ():
        yield f"figures/{name}", picture


def effective_toml(config: RunConfig) -> str:
    """All settings in force as TOML, with the format; settings that are None have no line.

    What no reader sees, as U+202E, stands as an escape.
    """
    text = tomli_w.dumps({"format": CONFIG_FORMAT, **_without_none(config.model_dump())})
    return "".join(c if c.isprintable() or c == "\n" else _toml_escape(c) for c in text)


def _toml_escape(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    named = {"nextclose.format": str(FORMAT)}  # it may travel without its folder
    frame.write_parquet(buffer, row_group_size=ROWS_AT_ONCE, metadata=named)
    return buffer.getvalue()


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return value
