"""What `nextclose demo` prints, as a picture: docs/demo.svg, of the bundled data.

python -m docs.terminal            runs the demo, then draws it
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

PICTURE = Path(__file__).with_name("demo.svg")
WIDTH = 80
FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # of another server: the reader's will do


def picture(command: str, printed: str) -> str:
    """A terminal with a command and what it printed, colours as escapes, as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(f"[bold green]$[/] {command}")
    console.print(Text.from_ansi(printed.rstrip()))
    drawn = console.export_svg(title=command, theme=MONOKAI, unique_id="demo")
    return FONTS.sub("", drawn).replace("Fira Code", "ui-monospace")


def demo_output() -> str:
    """What the demo prints on a terminal of 80 columns, without its progress."""
    terminal = {"COLUMNS": str(WIDTH), "TERM": "xterm-256color", "FORCE_COLOR": "1"}
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run(
            [sys.executable, "-m", "nextclose", "demo"],
            cwd=folder,
            env=os.environ | terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=True,
        )
    return ran.stdout


if __name__ == "__main__":
    PICTURE.write_text(picture("nextclose demo", demo_output()), encoding="utf-8")
