"""A server on this machine that speaks Yahoo's chart JSON, and misbehaves when told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

CHART = "/v8/finance/chart/"
SERIES = ("open", "high", "low", "close", "volume")
CONSENT_PAGE = b"<!DOCTYPE html><html><title>Yahoo is part of the Yahoo family of brands</title>"
HUGE = 65 * 2**20


@dataclass
class Listing:
    """One symbol: its days, and a row (open, high, low, close, volume, adjclose) for each."""

    days: Sequence[date]
    rows: Sequence[Sequence[float | None]]
    zone: str = "America/New_York"
    currency: str = "USD"
    opens_at: time = time(9, 30)

    def chart(self, symbol: str, first: float, last: float) -> dict[str, Any]:
        """The JSON of the days that open from `first` to `last`, in seconds of the epoch."""
        zone = ZoneInfo(self.zone)
        stamps = [int(datetime.combine(d, self.opens_at, zone).timestamp()) for d in self.days]
        kept = [k for k, stamp in enumerate(stamps) if first <= stamp < last]
        quote = {name: [self.rows[k][j] for k in kept] for j, name in enumerate(SERIES)}
        meta = {
            "currency": self.currency,
            "symbol": symbol,
            "exchangeName": "NMS",
            "instrumentType": "EQUITY",
            "regularMarketTime": stamps[-1],
            "gmtoffset": -18000,
            "timezone": "EST",
            "exchangeTimezoneName": self.zone,
            "priceHint": 2,
            "dataGranularity": "1d",
            "range": "",
            "validRanges": ["1d", "5d", "1mo", "1y", "max"],
        }
        result: dict[str, Any] = {
            "meta": meta,
            "indicators": {
                "quote": [quote],
                "adjclose": [{"adjclose": [self.rows[k][5] for k in kept]}],
            },
        }
        if kept:
            result["timestamp"] = [stamps[k] for k in kept]
        else:
            result["indicators"] = {"quote": [{}], "adjclose": [{}]}
        return {"chart": {"result": [result], "error": None}}


@dataclass
class FakeYahoo:
    """What the server knows and how it behaves.

    `faults` are used up one a request for prices, before it answers soundly again; "for ever" as
    the last makes the one before it stay. `asked` holds (symbol, period1 as a date) of each.
    """

    url: str = ""
    listings: dict[str, Listing] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    crumb_status: int = 200
    lock: threading.Lock = field(default_factory=threading.Lock)
    stop: threading.Event = field(default_factory=threading.Event)

    def fault(self) -> str:
        with self.lock:
            if len(self.faults) == 2 and self.faults[1] == "for ever":
                return self.faults[0]
            return self.faults.pop(0) if self.faults else ""


@contextmanager
def fake_yahoo(**listings: Listing) -> Iterator[FakeYahoo]:
    """The server, running; `url` says where."""
    yahoo = FakeYahoo(listings=dict(listings))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self, yahoo)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass  # a client that hung up

    server = Server(("127.0.0.1", 0), Handler)
    yahoo.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield yahoo
    finally:
        yahoo.stop.set()
        server.shutdown()
        thread.join()
        server.server_close()


def answer(request: BaseHTTPRequestHandler, yahoo: FakeYahoo) -> None:
    """Answer as Yahoo does, or as the next fault says."""
    url = urlsplit(request.path)
    if url.path == "/v1/test/getcrumb":
        return send(request, b"a.crumb", status=yahoo.crumb_status, kind="text/plain")
    if not url.path.startswith(CHART):
        return send(request, b"", status=404)
    symbol = unquote(url.path.removeprefix(CHART))
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    first = float(query.get("period1", 0))
    if "period1" in query:
        yahoo.asked.append((symbol, str(datetime.fromtimestamp(first, ZoneInfo("UTC")).date())))
    listing = yahoo.listings.get(symbol)
    if listing is None:
        error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
        return send_json(request, {"chart": {"result": None, "error": error}}, status=404)
    document = listing.chart(symbol, first, float(query.get("period2", 4e9)))
    return misbehave(request, yahoo, document)


def misbehave(request: BaseHTTPRequestHandler, yahoo: FakeYahoo, document: dict[str, Any]) -> None:
    """Send the document, spoilt by the next fault."""
    fault, _, value = yahoo.fault().partition(" ")
    body = json.dumps(document).encode()
    sent: dict[str, Callable[[], None]] = {
        "429": lambda: send(request, b"Too Many Requests", status=429, retry_after=value),
        "503": lambda: send(request, b"Will be right back", status=503),
        "html": lambda: send(request, CONSENT_PAGE, kind="text/html"),
        "half": lambda: send(request, body[: len(body) // 2], length=len(body)),
        "reset": request.connection.close,
        "stall": lambda: stall(yahoo),
        "huge": lambda: send(request, b" " * HUGE),
    }
    if fault in sent:
        sent[fault]()
    else:
        send_json(request, spoilt(document, fault, value))


def stall(yahoo: FakeYahoo) -> None:
    """Say nothing, for as long as the test runs."""
    yahoo.stop.wait(30)


def spoilt(document: dict[str, Any], fault: str, value: str) -> dict[str, Any]:
    """The document with its shape changed, or as it is without a fault."""
    (result,) = document["chart"]["result"]
    indicators = result["indicators"]
    if fault == "other":
        return {"spark": document["chart"]}
    if fault == "empty":
        result.pop("timestamp", None)
        result["indicators"] = {"quote": [{}], "adjclose": [{}]}
    elif fault == "without":
        indicators["quote"][0].pop(value, None)
        indicators.pop(value, None)
    elif fault == "short":
        indicators["quote"][0][value].pop()
    elif fault == "about":
        result["meta"]["symbol"] = value
    elif fault == "nobody":
        del result["meta"]["symbol"]
    elif fault in ("again", "differs"):  # a row a second time, its close another
        repeated(result, int(value), close=0.0 if fault == "again" else 1.0)
    elif fault == "later":  # the same, an hour later
        repeated(result, int(value), close=1.0, seconds=3600)
    return document


def repeated(result: dict[str, Any], k: int, *, close: float, seconds: int = 0) -> None:
    """Put row `k` in a second time behind itself, with a close so much higher."""
    quote, adjusted = result["indicators"]["quote"][0], result["indicators"]["adjclose"][0]
    for series in (*quote.values(), adjusted["adjclose"]):
        series.insert(k + 1, series[k])
    quote["close"][k + 1] += close
    result["timestamp"].insert(k + 1, result["timestamp"][k] + seconds)


def send_json(request: BaseHTTPRequestHandler, document: Any, *, status: int = 200) -> None:
    send(request, json.dumps(document).encode(), status=status)


def send(
    request: BaseHTTPRequestHandler,
    body: bytes,
    *,
    status: int = 200,
    kind: str = "application/json",
    retry_after: str = "",
    length: int | None = None,
) -> None:
    request.send_response(status)
    request.send_header("Content-Type", kind)
    request.send_header("Content-Length", str(len(body) if length is None else length))
    if retry_after:
        request.send_header("Retry-After", retry_after)
    request.end_headers()
    try:
        request.wfile.write(body)
    except OSError:
        return  # the client has had enough
