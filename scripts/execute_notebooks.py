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
INLINE = "module://matplotlib_inline.backend_inline"  # figures become outputs
WIDGET = "application/vnd.jupyter.widget-view+json"
KEPT = ("jupyter", "mystnb", "tags")  # of a cell: its fold, its figures in words, nbval's orders


def execute(path):
    """Run a notebook in its own folder and write it back with its outputs, all of it or nothing."""
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
    took = time.perf_counter() - start
    print(f"{path.relative_to(ROOT)}: {took:.0f} s, {path.stat().st_size // 1000} kB")


def clean(notebook):
    """Drop what changes from run to run, and of a progress bar all but its last state."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = {"kernelspec": kernel}
    for cell in notebook.cells:
        cell.metadata = {key: cell.metadata[key] for key in KEPT if cell.metadata.get(key)}
        if cell.cell_type == "code":
            cell.outputs = joined(cell.outputs)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)  # shows nothing without its state
            if output.output_type == "stream":
                output.text = re.sub(r"[^\n]*\r(?!\n)", "", output.text)


def joined(outputs):
    """The outputs of one cell, what it prints to one stream in succession as one."""
    found = []
    for output in outputs:
        if found and "name" in output and output.name == found[-1].get("name"):
            found[-1].text += output.text
        else:
            found.append(output)
    return found


def export_figure(notebook):
    """The README shows the lesson's own figure."""
    for cell in notebook.cells:
        if README_FIGURE in cell.metadata.get("tags", []):
            (png,) = [o.data["image/png"] for o in cell.outputs if "image/png" in o.get("data", {})]
            (ROOT / "docs" / "two_losses.png").write_bytes(base64.b64decode(png))


if __name__ == "__main__":
    named = [Path(name).resolve() for name in sys.argv[1:]]
    deeper = (ROOT / "notebooks" / "deeper").glob("*.ipynb")
    for lesson in named or sorted([*(ROOT / "notebooks").glob("[0-9]*.ipynb"), *deeper]):
        execute(lesson)
