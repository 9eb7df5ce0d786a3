"""Scripts and notebooks that tests write, and have read."""

import json
import math
import os

from vaehelpers.command.source import load_target

LOSS = "def loss():\n    return float({})\n"


def as_script(folder, *cells):
    """A script of that text."""
    path = folder / "train.py"
    path.write_text("\n".join(cells))
    return path


def as_notebook(folder, *cells):
    """A notebook of those cells of code, behind one of text."""
    code = [{"cell_type": "code", "source": cell.splitlines(True)} for cell in cells]
    text = {"cell_type": "markdown", "source": ["beta = 5"]}
    path = folder / "train.ipynb"
    path.write_text(json.dumps({"cells": [text, *code]}))
    return path


def loss_of(path, definitions=True):
    """What the loss of that file returns, of which no more is run than is needed."""
    return load_target(f"{path}:loss", definitions)()


def is_as_in_the_whole_file(folder, monkeypatch, form, written):
    """Whether a loss is that of the whole file, which is run first.

    Args:
        folder: where.
        monkeypatch: of the test.
        form: a script; its line "-> EXPRESSION" stands for a loss that returns that.
        written: `as_script` or `as_notebook`.
    """
    before, behind = form.split("\n-> ")
    returned, _, after = behind.partition("\n")
    cells = (before, LOSS.format(returned), after)
    with monkeypatch.context() as whole:
        whole.setattr(os, "environ", os.environ.copy())
        expected = loss_of(as_script(folder, *cells), definitions=False)
    vars(math).pop("my_w", None)
    try:
        return loss_of(written(folder, *cells)) == expected
    finally:
        vars(math).pop("my_w", None)
