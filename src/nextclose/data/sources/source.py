"""[I/O] Prices of anything that Python can ask: what a source is, and how one is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import narwhals as nw
from narwhals.typing import IntoDataFrame

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.prices import UncheckedPrices
from nextclose.data.sources.frames import frame_prices
from nextclose.errors import ConfigError, NextcloseError, SourceError

FIXES = {
    Issue.NO_ANSWER: "mend its prices(), or try again if what it asks was busy.",
    Issue.NO_BARS: "leave out what has no rows, or correct what it asks for.",
    Issue.OTHER_ANSWER: "return a pandas or polars data frame, or a list of them.",
}


class Source(Protocol):
    """Where prices come from that are in no file: `load_bars` takes one like a path.

    `docs/providers.md` writes one.
    """

    @property
    def name(self) -> str:
        """What findings call it, in place of a file's path; no secret is in it."""

    def prices(self) -> IntoDataFrame | Iterable[IntoDataFrame]:
        """Daily bars: one data frame, or several one after the other; whole, or none.

        A frame is one of pandas, polars or anything that narwhals knows, with a row a symbol and
        day: symbol, date, close, and open, high, low, volume, adj_close, currency where there are
        any, under any of the usual names. An empty cell is null or NaN. Nothing is filled, rounded,
        repaired or sorted here: the rules do that, counted.
        Raises: whatever it likes: it becomes a SourceError; errors of nextclose stay as they are.
        """


def source_prices(source: Source, config: DataConfig) -> Iterator[UncheckedPrices]:
    """The frames of a source, read as files are; rows count from 1 in each.

    Raises: ConfigError for an object that is no source; SourceError if it fails (71), gives no rows
        (72) or anything but frames (73).
    """
    name = _name_of(source)
    path = ""
    for path, frame in _named_frames(source, name):
        if not nw.dependencies.is_into_dataframe(frame):
            raise _source_error(
                Issue.OTHER_ANSWER, _type_name(frame), "data frames in memory", path
            )
        prices = frame_prices(frame, path=path, config=config)
        if prices.frame is not None and not prices.frame.height:
            raise _source_error(Issue.NO_BARS, "0 rows", "at least one row in each frame", path)
        yield prices
    if not path:
        raise _source_error(Issue.NO_BARS, "no frame at all", "at least one", name)


def _name_of(source: object) -> str:
    """The source's name. Raises: ConfigError for an object that is no source."""
    name = getattr(source, "name", None)
    if isinstance(name, str) and name and callable(getattr(source, "prices", None)):
        return name
    fix = "name a file or a folder, or give it a text `name` and a method `prices()`."
    if nw.dependencies.is_into_dataframe(source):
        fix = "read a data frame with frame_bars()."
    raise ConfigError(f"{_type_name(source)} is no path, no URL and no source. Fix: {fix}")


def _named_frames(source: Source, name: str) -> Iterator[tuple[str, Any]]:
    """What the source gives, each under its name in findings. Raises: SourceError if it fails."""
    try:
        answer: Any = source.prices()
        is_one = nw.dependencies.is_into_dataframe(answer) or not isinstance(answer, Iterable)
        if is_one or isinstance(answer, str | bytes | Mapping):
            yield name, answer
        else:
            for k, frame in enumerate(answer, start=1):
                yield f"{name} frame {k}", frame
    except NextcloseError:
        raise
    except Exception as error:  # foreign code: whatever it stumbles over
        reason = safe_text(f"{type(error).__name__}: {error}")
        raise _source_error(
            Issue.NO_ANSWER, reason, "a source that gives its prices", name
        ) from error


def _type_name(value: object) -> str:
    kind = type(value)
    return safe_text(
        kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    )


def _source_error(issue: Issue, found: str, rule: str, path: str) -> SourceError:
    """Rules 71 to 73, of a source."""
    return SourceError((issue.finding(found, rule=rule, fix=FIXES[issue], path=path),))
