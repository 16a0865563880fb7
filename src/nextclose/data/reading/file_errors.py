"""Why a whole file cannot be used: raised where that shows, reported as one finding."""

from __future__ import annotations

from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.prices import UncheckedPrices, refused_file


class UnusableFileError(Exception):
    """A file that cannot be used as prices; never leaves the loader, which makes it a finding."""

    def __init__(
        self,
        number: Issue,
        found: str,
        *,
        must: str = "",
        fix: str | None = None,
        row: int | None = None,
    ) -> None:
        super().__init__(found)
        self.number = number
        self.found = found
        self.must = must or number.rule
        self.fix = number.fix if fix is None else fix
        self.row = row

    def refusal(self, path: str) -> UncheckedPrices:
        """The file without rows and with the reason."""
        found = self.found if self.number is Issue.NO_FILE else safe_text(self.found)
        return refused_file(
            path, self.number, found=found, must=self.must, fix=self.fix, row=self.row
        )
