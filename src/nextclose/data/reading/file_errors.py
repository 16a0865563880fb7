"""Why a whole file cannot be used: raised where that shows, reported as one finding."""

from __future__ import annotations

from nextclose.data.findings import shown
from nextclose.data.reading.prices import UncheckedPrices, refused_file


class UnusableFileError(Exception):
    """A file that cannot be used as prices; never leaves the loader, which makes it a finding."""

    def __init__(
        self, number: int, found: str, *, must: str, fix: str, row: int | None = None
    ) -> None:
        super().__init__(found)
        self.number = number
        self.found = found
        self.must = must
        self.fix = fix
        self.row = row

    def refusal(self, path: str) -> UncheckedPrices:
        """The file without rows and with the reason."""
        found = shown(self.found) if self.number != 1 else self.found
        return refused_file(
            path, self.number, found=found, must=self.must, fix=self.fix, row=self.row
        )
