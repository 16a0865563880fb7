"""Why a whole file cannot be used: raised where that shows, told as one finding."""

from __future__ import annotations

from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.part import Part


class UnusableError(Exception):
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

    def part(self, path: str) -> Part:
        """The file without rows and with the reason."""
        found = self.found if self.number is Issue.NO_FILE else safe_text(self.found)
        finding = self.number.finding(found, rule=self.must, fix=self.fix, path=path, row=self.row)
        return Part(path=path, frame=None, findings=(finding,))
