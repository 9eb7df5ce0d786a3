"""Generates notebooks/exercises from notebooks/solutions: what is tagged `solution` becomes `answer = ...`."""

from pathlib import Path

import nbformat
from execute_notebooks import ROOT, execute

STUB = "answer = ..."


def exercise_of(solution):
    """The exercise notebook of a solution notebook, without outputs."""
    for cell in solution.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if "solution" in cell.metadata.get("tags", []):
            cell.source, cell.metadata = STUB, {}
    return solution


if __name__ == "__main__":
    for path in sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb")):
        execute(path)
        target = Path(str(path).replace("solutions", "exercises"))
        target.parent.mkdir(exist_ok=True)
        nbformat.write(exercise_of(nbformat.read(path, as_version=4)), target)
        execute(target)
