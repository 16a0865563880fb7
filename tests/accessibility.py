"""What axe-core, a checker of accessibility, finds wrong with a page that a browser shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page


def violations(page: Page) -> list[str]:
    """Rule, element and what to mend, a line for each element; none: nothing is wrong.

    Expects: a page opened with `bypass_csp=True` where it has a content security policy.
    """
    from axe_playwright_python.sync_playwright import Axe

    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}: {_mend(node['failureSummary'])}"
        for rule in Axe().run(page).response["violations"]
        for node in rule["nodes"]
    ]


def _mend(summary: str) -> str:
    return " ".join(summary.split())
