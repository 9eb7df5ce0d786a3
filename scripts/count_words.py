"""Counts what a lesson asks of its reader: cells, words of prose, code, minutes.

Usage: python scripts/count_words.py [NOTEBOOK ...]     (the main path where none is named)

Words are those of Markdown without tables, formulas, link addresses and references. Minutes: 150
words a minute, one for a displayed formula, half a one for a code cell; training comes on top.
"""

import json
import re
import statistics
import sys
from pathlib import Path

NOT_PROSE = [
    r"(?ms)^```.*?^```",  # code
    r"(?s)\$\$.*?\$\$",  # displayed formulas
    r"(?m)^\s*\|.*$",  # tables
    r"\$[^$\n]+\$",  # formulas in a line
    r"\]\([^)]*\)",  # where a link leads
    r"https?://\S+",
    r"(?ms)^#+ References.*",
]
SUMMED = ("cells", "words", "formulas", "code", "minutes")


def prose(markdown):
    """The words of a Markdown cell."""
    for pattern in NOT_PROSE:
        markdown = re.sub(pattern, " ", markdown)
    return re.findall(r"[\w'’-]*[A-Za-z][\w'’-]*", markdown)


def count(path):
    """What one notebook asks: a dict of numbers."""
    cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    markdown = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
    code = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    words = sum(len(prose(source)) for source in markdown)
    formulas = sum(source.count("$$") // 2 for source in markdown)
    return {
        "cells": len(cells),
        "words": words,
        "formulas": formulas,
        "code": len(code),
        "minutes": words / 150 + formulas + len(code) / 2,
        "characters": statistics.median(map(len, code)),
    }


def report(paths):
    """One line a notebook and their sum; the characters are those of a typical code cell."""
    rows = {path.stem: count(path) for path in paths}
    sums = {name: sum(row[name] for row in rows.values()) for name in SUMMED}
    yield " " * 28 + "".join(f"{name:>14}" for name in [*SUMMED, "characters"])
    for stem, row in (rows | {"all": sums}).items():
        yield f"{stem:28}" + "".join(f"{number:14.0f}" for number in row.values())


if __name__ == "__main__":
    lessons = sorted((Path(__file__).parent.parent / "notebooks").glob("[0-9]*.ipynb"))
    print("\n".join(report([Path(name) for name in sys.argv[1:]] or lessons)))
