"""Generates notebooks/exercises from notebooks/solutions, where `answer = ...` is still open.

Usage: python scripts/make_exercises.py [SOLUTION ...]     (all solutions where none is named)

Only solutions are executed. An exercise takes its outputs from there, and from its checks, called
without an answer.
"""

import contextlib
import io
import re
import sys
from pathlib import Path

import nbformat
from execute_notebooks import ROOT, execute

from vaehelpers import exercises

STUB = "answer = ..."
CHECK = re.compile(r"exercises\.(check_\w+)\(answer((?:, \w+)*)\)")


def exercise_of(solution):
    """The exercise of an executed solution: its cells and outputs, but open where it answers.

    A figure that stands keeps its alternative text; an answer's goes with the figure.
    """
    for cell in solution.cells:
        check = CHECK.fullmatch(cell.source)
        if "solution" in cell.metadata.get("tags", []):
            cell.source = STUB
            cell.metadata = {}
            cell.outputs = []
        elif check:
            cell.metadata.pop("mystnb", None)
            said = said_of_no_answer(*check.groups())
            cell.outputs = [nbformat.v4.new_output("stream", text=said)]
    return solution


def said_of_no_answer(check, further):
    """What a check prints where the answer is still `...`, and so is whatever follows it."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        getattr(exercises, check)(..., *[...] * further.count(","))
    return printed.getvalue()


if __name__ == "__main__":
    named = [Path(name).resolve() for name in sys.argv[1:]]
    for path in named or sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb")):
        execute(path)
        target = ROOT / "notebooks" / "exercises" / path.name
        target.parent.mkdir(exist_ok=True)
        nbformat.write(exercise_of(nbformat.read(path, as_version=4)), target)
