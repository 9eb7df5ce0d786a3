"""Runs notebooks and stores their outputs in the form that the guards want.

Usage: python scripts/execute_notebooks.py [NOTEBOOK ...]     (all lessons where none is named)
"""

import base64
import os
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
README_FIGURE = "readme-figure"
INLINE = (
    "module://matplotlib_inline.backend_inline"  # figures become outputs, whatever is set outside
)
WIDGET = "application/vnd.jupyter.widget-view+json"
KEPT = (
    "mystnb",
    "tags",
)  # of a cell's metadata: what a screen reader says of its figures, and what nbval reads


def execute(path):
    """Run a notebook in its own folder and write it back, outputs included, all of it or nothing."""
    notebook = nbformat.read(path, as_version=4)
    start = time.perf_counter()
    client = NotebookClient(
        notebook, kernel_name="python3", timeout=600, resources={"metadata": {"path": path.parent}}
    )
    client.execute(env={**os.environ, "VAEHELPERS_MEASURED": "hidden", "MPLBACKEND": INLINE})
    clean(notebook)
    temporary = path.with_suffix(".partial")
    nbformat.write(notebook, temporary)
    os.replace(temporary, path)
    export_figure(notebook)
    print(
        f"{path.relative_to(ROOT)}: {time.perf_counter() - start:.0f} s, {path.stat().st_size // 1000} kB"
    )


def clean(notebook):
    """Drop what changes from run to run, join what one cell prints, and of a progress bar keep the last state."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}
    }
    for cell in notebook.cells:
        cell.metadata = {key: cell.metadata[key] for key in KEPT if cell.metadata.get(key)}
        joined = []
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(
                WIDGET, None
            )  # without its state, which is not stored, it shows nothing
            if (
                joined
                and output.output_type == "stream" == joined[-1].output_type
                and output.name == joined[-1].name
            ):
                joined[-1].text += output.text
            else:
                joined.append(output)
        for output in joined:
            if output.output_type == "stream":
                output.text = re.sub(r"[^\n]*\r(?!\n)", "", output.text)
        if cell.cell_type == "code":
            cell.outputs = joined


def export_figure(notebook):
    """The README shows the lesson's own figure."""
    for cell in notebook.cells:
        if README_FIGURE in cell.metadata.get("tags", []):
            png = next(
                output.data["image/png"]
                for output in cell.outputs
                if "image/png" in output.get("data", {})
            )
            (ROOT / "docs" / "two_losses.png").write_bytes(base64.b64decode(png))


if __name__ == "__main__":
    named = [Path(name).resolve() for name in sys.argv[1:]]
    lessons = [
        *(ROOT / "notebooks").glob("[0-9]*.ipynb"),
        *(ROOT / "notebooks" / "deeper").glob("*.ipynb"),
    ]
    for lesson in named or sorted(lessons):
        execute(lesson)
