"""[I/O] The HTTP session lent to yfinance: bounded in time and size, and it judges each answer.

yfinance hides why a download failed and tries ways that take minutes; here the first bad answer to
a request for prices ends it, with the reason.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from curl_cffi import CurlECode, CurlOpt
from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import RequestException

from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.store.providers import NoHistoryError

MAX_BYTES = 64 * 2**20  # of one answer; 60 years of daily bars are about 1.5 MB
CHART = "/v8/finance/chart/"
CONSENT = "consent.yahoo.com"  # asks for consent to cookies: yfinance answers, then asks again
NOT_THERE = (400, 404, 422)
SERIES = ("open", "high", "low", "close", "volume", "adjclose")


class BoundedSession(Session[Response]):
    """A session whose requests end together `seconds` after `begin`, each below MAX_BYTES.

    `base`, as in "http://127.0.0.1:8000", stands in for all of Yahoo's hosts.
    """

    def __init__(self, *, base: str, seconds: float) -> None:
        super().__init__(impersonate="chrome", curl_options={CurlOpt.MAXFILESIZE_LARGE: MAX_BYTES})
        self._base = urlsplit(base)
        self._seconds = seconds
        self._ends_at = 0.0

    def begin(self) -> None:
        """Start the clock of one history."""
        self._ends_at = time.monotonic() + self._seconds

    def request(self, method: Any, url: str, *args: Any, **settings: Any) -> Response:
        """The answer. Raises: NoHistoryError for a request for prices that has no sound one."""
        settings["timeout"] = max(0.1, self._ends_at - time.monotonic())
        path = urlsplit(url).path
        is_chart, symbol = path.startswith(CHART), unquote(path.removeprefix(CHART))
        if self._base.netloc:
            url = urlunsplit(
                urlsplit(url)._replace(scheme=self._base.scheme, netloc=self._base.netloc)
            )
        try:
            answer = super().request(method, url, *args, **settings)
        except RequestException as error:
            if is_chart:
                raise _request_error(error) from error
            raise
        if is_chart:
            _check_answer(answer, symbol)
        return answer


def _request_error(error: RequestException) -> NoHistoryError:
    if error.code == CurlECode.FILESIZE_EXCEEDED:
        return NoHistoryError(f"an answer above {MAX_BYTES >> 20} MiB", number=Issue.OTHER_ANSWER)
    reason = str(error).removeprefix("Failed to perform, ").split(". See")[0]
    return NoHistoryError(f"no whole answer: {safe_text(reason)}", number=Issue.NO_ANSWER)


def _check_answer(answer: Response, symbol: str) -> None:
    """Raise NoHistoryError for an answer that is not the prices of the symbol asked for.

    401 and 403 pass: yfinance then tries again with another cookie.
    """
    status = answer.status_code
    if status == 429 or status >= 500:
        wait = _seconds_of(answer.headers.get("Retry-After"))
        raise NoHistoryError(f"HTTP {status}", number=Issue.NO_ANSWER, wait_seconds=wait)
    host = urlsplit(answer.url).hostname or ""
    if status in (401, 403) or host.endswith(CONSENT):
        return
    try:
        chart = json.loads(answer.content)["chart"]
        if chart["error"] and status in NOT_THERE:
            found = f"0 rows: {safe_text(chart['error']['description'])}"
            raise NoHistoryError(found, number=Issue.NO_BARS)
        _check_symbol(chart["result"][0], symbol)
        _check_shape(chart["result"][0])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise NoHistoryError(_description(answer), number=Issue.OTHER_ANSWER) from error


def _check_symbol(result: dict[str, Any], symbol: str) -> None:
    """Raise NoHistoryError unless the result says that it is about that symbol."""
    about = result["meta"].get("symbol")
    if not isinstance(about, str) or about.upper() != symbol.upper():
        raise NoHistoryError(f"an answer about {safe_text(repr(about))}", number=Issue.OTHER_ANSWER)


def _check_shape(result: dict[str, Any]) -> None:
    """Raise NoHistoryError unless the result holds every series, each as long as the dates."""
    n_dates = len(result.get("timestamp") or ())
    if not n_dates:
        return  # no trade in the days asked for
    series = dict(result["indicators"]["quote"][0])
    series["adjclose"] = result["indicators"].get("adjclose", [{}])[0].get("adjclose")
    missing = [name for name in SERIES if series.get(name) is None]
    uneven = [name for name in SERIES if name not in missing and len(series[name]) != n_dates]
    if missing or uneven:
        faults = [f"no {name}" for name in missing] + [
            f"{len(series[name])} of {name} for {n_dates} dates" for name in uneven
        ]
        raise NoHistoryError(", ".join(faults), number=Issue.OTHER_ANSWER)
    _check_days(result["timestamp"], zip(*(series[name] for name in SERIES), strict=True), result)


def _check_days(
    stamps: Sequence[int], rows: Iterable[tuple[float | None, ...]], result: dict[str, Any]
) -> None:
    """Raise NoHistoryError for two rows of a day that differ: the client would drop one of them.

    But the newest bar may have a live quote behind it, of another time, which stands for it.
    """
    zone = ZoneInfo(result["meta"]["exchangeTimezoneName"])
    newest = max(stamps)
    seen: dict[date, tuple[int, tuple[float | None, ...]]] = {}
    for stamp, row in sorted(zip(stamps, rows, strict=True), key=lambda pair: pair[0]):
        day = datetime.fromtimestamp(stamp, zone).date()
        other, before = seen.setdefault(day, (stamp, row))
        is_live_quote = stamp == newest != other
        if row != before and not is_live_quote:
            raise NoHistoryError(f"two rows of {day} that differ", number=Issue.OTHER_ANSWER)


def _description(answer: Response) -> str:
    """What an answer is that holds no prices."""
    start = answer.content[:64].lstrip()
    kind = (
        "an HTML page" if start.startswith(b"<") else f"{safe_text(repr(start.decode('latin-1')))}"
    )
    return f"{kind} in place of prices (HTTP {answer.status_code})"


def _seconds_of(text: str | None) -> float | None:
    """A Retry-After header, in seconds from now; None where it cannot be read."""
    if text is None:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
