"""Copies the notebooks without outputs into my_notebooks, which git ignores, for `make lab`.

Usage: python scripts/lab.py

When a notebook has changed, its copy is made anew. A copy in which cells were edited stays, and it
is said once; outputs alone are no edit. Copies lie as deep as the notebooks: their links lead on.
"""

import hashlib
import json
import os
from pathlib import Path

import nbformat

ROOT = Path(__file__).parent.parent
MADE = ".made.json"  # of each copy the digest of the cells that it was made with


def renew(notebooks, copies):
    """Make the copies that are missing or out of date; returns the names of those that stay."""
    copies.mkdir(exist_ok=True)
    made = json.loads((copies / MADE).read_text()) if (copies / MADE).exists() else {}
    edited = []
    paths = [*notebooks.glob("[0-9]*.ipynb"), *notebooks.glob("[a-z]*/[0-9]*.ipynb")]
    for path in sorted(paths):
        name = path.relative_to(notebooks).as_posix()
        notebook = nbformat.read(path, as_version=4)
        copy, newest = copies / name, digest(notebook)
        if copy.exists() and made.get(name) == newest:
            continue
        if copy.exists() and digest_of(copy) not in (made.get(name), newest):
            edited.append(name)
        else:
            write_without_outputs(notebook, copy)
        made[name] = newest
    (copies / MADE).write_text(json.dumps(made, indent=1))
    return edited


def digest(notebook):
    """What tells two notebooks apart: the cells without their outputs."""
    cells = [(cell.cell_type, cell.source) for cell in notebook.cells]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def digest_of(copy):
    try:
        return digest(nbformat.read(copy, as_version=4))
    except Exception:  # whatever a person made of it
        return "unreadable"


def write_without_outputs(notebook, copy):
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    copy.parent.mkdir(exist_ok=True)
    partial = copy.with_suffix(".partial")
    nbformat.write(notebook, partial)
    os.replace(partial, copy)


if __name__ == "__main__":
    for name in renew(ROOT / "notebooks", ROOT / "my_notebooks"):
        print(f"my_notebooks/{name} keeps your changes; to get the newer one, remove it")
