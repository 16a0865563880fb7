"""Why a whole file cannot be used: raised where that shows, reported as one finding."""

from __future__ import annotations

from dataclasses import replace

from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.prices import UncheckedPrices, refused_file
from nextclose.data.suggestions import toml_value

UNNAMED = "?"  # the symbol of a file whose name says none, until a column says it


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


def with_symbol_cure(prices: UncheckedPrices) -> UncheckedPrices:
    """The prices of a file; refused (21) if neither its name nor a column says their symbol."""
    if prices.frame is None or UNNAMED not in prices.frame["symbol"][:1]:
        return prices
    name = toml_value(prices.path.rpartition("/")[2])
    of_path = toml_value("/".join(prices.path.split("/")[-2:]))
    nameless = Issue.MISSING_COLUMN.finding(
        f"no symbol, neither in the file nor in its name {name}",
        rule="a column 'symbol', or a file named by its symbol, as AAPL.csv",
        fix=f"name the file so, or set data.symbols = {{{of_path} = SYMBOL}}.",
        path=prices.path,
        column="symbol",
    )
    return replace(prices, frame=None, findings=(nameless, *prices.findings))
