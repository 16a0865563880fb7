"""Pictures of the README and the pages, each in light and dark, by a real browser.

python docs/picture.py runs/full/report.html docs        needs chromium and playwright
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
STILL = "nav { visibility: hidden !important }"  # what would stick to the picture's edge


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture: an HTML file, what of it is shown, and how large the window is."""

    name: str
    page: Path
    element: str | None = None  # a CSS selector; None: the window
    style: str = ""
    width: int = 1100
    height: int = 930


def pictures(report: Path) -> tuple[Picture, ...]:
    """All pictures there are; a terminal or a notebook joins as a page of HTML here."""
    return (
        Picture(name="report", page=report, height=830),
        Picture(name="chart", page=report, element="#chart", style=STILL),
    )


def draw(picture: Picture, folder: Path, browser: Browser) -> None:
    """Write NAME-light.png and NAME-dark.png into `folder`."""
    for scheme in ("light", "dark"):
        page = browser.new_page(
            viewport={"width": picture.width, "height": picture.height},
            color_scheme=scheme,  # type: ignore[arg-type]
            bypass_csp=True,  # for the style
        )
        page.goto(picture.page.resolve().as_uri())
        page.wait_for_timeout(800)
        if picture.style:
            page.add_style_tag(content=picture.style)
        shown = page.locator(picture.element).first if picture.element else page
        shown.screenshot(path=folder / f"{picture.name}-{scheme}.png")
        page.close()


def main(report: Path, folder: Path) -> None:
    """Draw them all."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(FLAGS)
        )
        for picture in pictures(report):
            draw(picture, folder, browser)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
