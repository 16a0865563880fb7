"""A notebook run from top to bottom, its outputs in it: `make notebook`.

Runs in a folder of its own, so that files which cells write are gone afterwards. Warnings, which
name files of this machine, are left out, and so is what differs from run to run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient


def fresh_notebook(path: Path, *, folder: Path) -> Any:
    """The notebook with new outputs, run in `folder`. Raises: CellExecutionError."""
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with TemporaryDirectory() as place:
            notebook = fresh_notebook(Path(name), folder=Path(place))
        nbformat.write(notebook, name)
        print(f"{name}: {Path(name).stat().st_size // 1000} kB")
