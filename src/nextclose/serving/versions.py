"""Versions of the packages that decide the numbers, here and where a bundle was made."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from nextclose.data.findings import safe_text

PACKAGES = (
    *("nextclose", "numpy", "polars", "torch", "arch", "scipy", "ta-lib", "exchange_calendars"),
    *("xgboost", "xgboost-cpu"),  # one of the two
)


def versions() -> dict[str, str]:
    """Versions of the packages that decide the numbers, of those that are there."""
    found = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def other_versions(made: Mapping[str, str]) -> str:
    """Which of the packages were others where something was made, in words; "" for none."""
    here = versions()
    return ", ".join(
        f"{safe_text(name)} {safe_text(made.get(name, 'of no version'))}, here "
        f"{here.get(name, 'none')}"
        for name in sorted({*made, *here})
        if made.get(name) != here.get(name)
    )
