"""The README's picture: the top of the report and its chart, in light and dark, by a real browser.

python docs/picture.py runs/full/report.html docs        needs chromium and playwright
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SIZE = {"width": 1100, "height": 930}


def draw(report: Path, folder: Path) -> None:
    """Write report and chart, each in light and dark, into `folder`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(FLAGS)
        )
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport=SIZE, color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(report.resolve().as_uri())
            page.wait_for_timeout(800)
            page.screenshot(path=folder / f"report-{scheme}.png")
            page.locator("#prices").screenshot(path=folder / f"chart-{scheme}.png")
        browser.close()


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
