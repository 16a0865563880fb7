"""What every command obeys, wherever it stands in a call: how much is said, and to whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

JSON_ERRORS = ("--json-errors",)
VERBOSE = ("--verbose", "-v")
QUIET = ("--quiet", "-q")
VERSION = ("--version",)
COMMON = (*JSON_ERRORS, *VERBOSE, *QUIET, *VERSION)


@dataclass(slots=True)
class Switches:
    """How the present call is spoken to; set anew by each.

    `is_json`: standard error holds JSON alone, for machines. `is_quiet`: of all that is printed
    only errors, and results that are data. `is_verbose`: everything that is known.
    """

    is_json: bool = False
    is_quiet: bool = False
    is_verbose: bool = False

    def set_by(self, arguments: Sequence[str]) -> None:
        """Obey a call as `common_first` has it."""
        common = {*takewhile(COMMON.__contains__, arguments)}
        self.is_json, self.is_quiet, self.is_verbose = (
            bool(common.intersection(names)) for names in (JSON_ERRORS, QUIET, VERBOSE)
        )


SWITCHES = Switches()


def common_first(arguments: Sequence[str]) -> list[str]:
    """The same call with what belongs to no command before it; behind `--` all are names."""
    n = arguments.index("--") if "--" in arguments else len(arguments)
    common = [text for text in arguments[:n] if text in COMMON]
    return [*common, *(text for text in arguments[:n] if text not in COMMON), *arguments[n:]]
