"""The errors nextclose raises on purpose.

NextcloseError          one line to the user, no traceback, its own exit code
├── ConfigError         the run file or the call cannot be obeyed    exit 2
│   └── LibraryError    a library that is needed cannot be had       exit 2
├── DataError           a bar or column cannot be trusted            exit 3
│   └── SourceError     a download or a database gave no prices      exit 9
├── ForecastsError      forecasts of a file cannot be judged         exit 3
├── NotEnoughDataError  sound data, too little of it                 exit 3
├── LockedError         another process writes there                 exit 4
├── OutputError         a result cannot be written where asked       exit 6
├── ResourceError       the machine lacks memory or processes        exit 6
├── BundleError         a saved model cannot be trusted              exit 7
├── WindowsError        saved windows cannot be trusted              exit 7
└── LeakError           a value would be used before it was known    exit 8

A message says what was expected, what was found, where, and the cure; the same facts are
attributes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

N_LINE = 300  # characters of a message
HIDDEN = "***"
_SCHEME = r"(?i:[a-z][a-z0-9+.\-]+:/{1,3})"
_HELP = r"(?!USER@HOST:PORT/|\*\*\*)"  # of our own messages
_ACCOUNT = re.compile(rf"({_SCHEME}){_HELP}[^\s?#/][^\n]*@(?=\S)")
_UNFINISHED = re.compile(  # a user and no server: what follows the colon is no port
    rf"({_SCHEME}){_HELP}[^\s/@:\[?#]+:(?!\d+(?:[^\w@:]|$)|\*\*\*|[\s/])[^\s@]+(?!\S*@)"
)
_SECRET_NAME = (  # after a letter's end, or an escape as in %3BPWD%3D
    r"(?i:(?:(?<![a-z0-9_])|(?<=%[0-9a-f]{2}))(?:(?:pg|ssl)?password|passwd|pwd|passphrase|secret|"
    r"token|sig|signature|credential|api[_-]?key|(?:access|account|secret)[_-]?key|x-amz-[a-z-]+)"
    r"(?:=|%3D))"
)
_SECRET_VALUE = re.compile(rf"({_SECRET_NAME})(?!\*)[^\s&;,'\"]+")
Response = Literal["E", "R", "P", "W"]  # refuse, lossless repair, repair by policy, keep and warn


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Finding:
    """One thing found in the input and what was done about it; fields that do not apply stay empty.

    `number` is permanent; `response` + `number` is the code that messages and reports show.
    `row` is the physical line in the file (the header is row 1). `count` > 1 means `count` places,
    of which this is the first.
    """

    number: int
    response: Response
    found: str
    rule: str
    fix: str = ""
    path: str = ""
    row: int | None = None
    column: str = ""
    symbol: str = ""
    session: str = ""
    count: int = 1

    def __post_init__(self) -> None:
        """No field holds a secret: findings go into messages, reports and bundles."""
        for name in ("found", "rule", "fix", "path", "column", "symbol", "session"):
            object.__setattr__(self, name, without_secrets(getattr(self, name)))

    def __repr__(self) -> str:
        return f"Finding({self.line()!r})"

    @property
    def code(self) -> str:
        """Response letter and number, as in `E54`."""
        return f"{self.response}{self.number}"

    @property
    def place(self) -> str:
        """Where it was found: file, row, column, symbol and session, as far as they exist."""
        return self._place(printable(self.path))

    def line(self) -> str:
        """The message in one line of at most 300 characters: code, place, value, rule and cure.

        What is too long is cut where it says least: in the middle of path and value.
        """
        path, found = printable(self.path), self.found
        for _ in range(2):
            excess = len(self._line(path, found)) - N_LINE
            if len(path) > len(found):
                path = _shortened(path, excess)
            else:
                found = _shortened(found, excess)
        text = self._line(path, found)
        return text if len(text) <= N_LINE else text[: N_LINE - 1] + "…"

    def facts(self) -> dict[str, str | int | None]:
        """The same for machines, every field always there."""
        fields = ("path", "row", "column", "symbol", "session", "found", "rule", "fix", "count")
        return {"code": self.code} | {name: getattr(self, name) for name in fields}

    def _place(self, path: str) -> str:
        row = f"row {self.row}" if self.row is not None else ""
        place = " ".join(part for part in (path, row) if part)
        who = " ".join(part for part in (self.symbol, self.session) if part)
        column = f"column {self.column}" if self.column else ""
        return ", ".join(part for part in (place, column, who) if part)

    def _line(self, path: str, found: str) -> str:
        times = f" ({self.count} places, this is the first)" if self.count > 1 else ""
        fix = f" Fix: {self.fix}" if self.fix else ""
        place = self._place(path)
        head = f"{self.code} {place}" if place else self.code
        return f"{head}: found {found}{times}; rule: {self.rule}.{fix}"


def without_secrets(text: str) -> str:
    """The text with `***` where an address in it holds a password, and for values of secret names.

    An address is cut up to the last @ of its line: a password may hold any character.
    """
    if ":/" in text:
        text = _UNFINISHED.sub(rf"\1{HIDDEN}", _ACCOUNT.sub(rf"\1{HIDDEN}@", text))
    return _SECRET_VALUE.sub(rf"\1{HIDDEN}", text) if "=" in text or "%3" in text else text


def printable(text: str) -> str:
    """Foreign text fit for a terminal: control and bidirectional characters escaped, no secrets."""
    text = without_secrets(text)
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _shortened(text: str, excess: int) -> str:
    """The text less `excess` characters from its middle, but for 40."""
    n = max(len(text) - max(excess, 0), 40)
    return text if n >= len(text) else f"{text[: n // 3]}…{text[len(text) - n + n // 3 + 1 :]}"


class NextcloseError(Exception):
    """The root: anything raised on purpose. `exit_code` is what a command returns for it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, *args: Any) -> None:  # neither message nor facts hold a secret
        super().__init__(*(without_secrets(a) if isinstance(a, str) else a for a in args))

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, without_secrets(value) if isinstance(value, str) else value)

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuilt from message and attributes: an error must survive the way out of a process."""
        return rebuilt_error, (type(self), self.args, self.__dict__)


def rebuilt_error(
    kind: type[BaseException], args: tuple[Any, ...], facts: Mapping[str, Any]
) -> BaseException:
    """The error with these `args` and attributes, whatever its constructor asks for."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error


class ConfigError(NextcloseError):
    """A setting that cannot be obeyed; `section` and `key` name it."""

    exit_code = 2

    def __init__(self, message: str, *, section: str = "", key: str = "") -> None:
        super().__init__(message)
        self.section = section
        self.key = key


class LibraryError(ConfigError):
    """A library that what was asked for needs is not installed, or cannot be loaded."""

    def __init__(
        self, needed_by: str, library: str, *, reason: str, cure: str, instead: str = ""
    ) -> None:
        fix = f"{cure}, or {instead}" if instead else cure
        super().__init__(f"{needed_by} needs {library}, which {reason}. Fix: {fix}.")
        self.library = library
        self.reason = reason
        self.cure = cure


class DataError(NextcloseError):
    """Bars or columns that cannot be trusted; `findings` holds all, the text the first 20."""

    exit_code = 3
    n_shown: ClassVar[int] = 20

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        lines = [finding.line() for finding in findings[: self.n_shown]]
        if len(findings) > self.n_shown:
            lines.append(
                f"... and {len(findings) - self.n_shown} more problems of this kind or others."
            )
        super().__init__("\n".join(lines))
        self.findings = findings


class ForecastsError(NextcloseError):
    """Forecasts that cannot be judged as they are: what was found, where, and the cure."""

    exit_code = 3

    def __init__(self, message: str, *, path: str = "", row: int | None = None, column: str = ""):
        super().__init__(message)
        self.path = path
        self.row = row
        self.column = column


class NotEnoughDataError(NextcloseError):
    """Sound data, too little of it: `needed` and `found` count the same thing."""

    exit_code = 3

    def __init__(self, message: str, *, needed: int, found: int) -> None:
        super().__init__(message)
        self.needed = needed
        self.found = found


class LockedError(NextcloseError):
    """Something that another process holds; `path` says what, `holder` its process id."""

    exit_code = 4

    def __init__(self, *, path: str, holder: int | None) -> None:
        who = f"process {holder}" if holder is not None else "another process"
        super().__init__(f"{path} is being written by {who}. Fix: wait until it has ended.")
        self.path = path
        self.holder = holder


class OutputError(NextcloseError):
    """A result that cannot be written; `path` says where."""

    exit_code = 6

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(message)
        self.path = path


class ResourceError(NextcloseError):
    """The machine has too little of something: memory, processes, room for temporary files."""

    exit_code = 6


class BundleError(NextcloseError):
    """A saved model that cannot be trusted: `path`, what was `expected`, what was `found`."""

    exit_code = 7

    def __init__(self, *, path: str, expected: str, found: str, fix: str = "") -> None:
        cure = fix or "train again with `nextclose train`, or copy the bundle anew."
        super().__init__(f"bundle {path}: found {found}; expected {expected}. Fix: {cure}")
        self.path = path
        self.expected = expected
        self.found = found


class WindowsError(NextcloseError):
    """Saved windows that cannot be trusted: `path`, what was `expected`, what was `found`."""

    exit_code = 7

    def __init__(self, *, path: str, expected: str, found: str, fix: str = "") -> None:
        cure = fix or "make them again with `nextclose samples`, or copy the folder anew."
        super().__init__(f"windows {path}: found {found}; expected {expected}. Fix: {cure}")
        self.path = path
        self.expected = expected
        self.found = found


class LeakError(NextcloseError):
    """A value about to be used before it was known: `what`, `known_at`, `used_at` (sessions)."""

    exit_code = 8

    def __init__(self, *, what: str, known_at: str, used_at: str) -> None:
        super().__init__(
            f"{what} is known from {known_at} on but would be used at {used_at}. "
            "Fix: use it later, or learn it from what was known by then."
        )
        self.what = what
        self.known_at = known_at
        self.used_at = used_at


class SourceError(DataError):
    """A download or a database that gave no prices, or not all of them; nothing was kept."""

    exit_code = 9


class ServingWarning(UserWarning):
    """Something about a forecast that its reader must know; the forecast stands."""
