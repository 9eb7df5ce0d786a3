"""Counts what a lesson asks of its reader: cells, words of prose, lines of code, minutes.

Usage: python scripts/count_words.py [NOTEBOOK ...]     (the main path where none is named)

Words are those of Markdown without tables, formulas, link addresses and references. Minutes: 150 words a minute, one
for a displayed formula, half a one for a code cell; training comes on top.
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


def prose(markdown):
    """The words of a Markdown cell."""
    for pattern in NOT_PROSE:
        markdown = re.sub(pattern, " ", markdown)
    return re.findall(r"[\w'’-]*[A-Za-z][\w'’-]*", markdown)


def count(path):
    """What one notebook asks: a dict of numbers."""
    cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    sources = {
        kind: ["".join(c["source"]) for c in cells if c["cell_type"] == kind]
        for kind in ("markdown", "code")
    }
    lines = [sum(bool(line.strip()) for line in source.splitlines()) for source in sources["code"]]
    words = sum(len(prose(source)) for source in sources["markdown"])
    formulas = sum(source.count("$$") // 2 for source in sources["markdown"])
    minutes = words / 150 + formulas + len(lines) / 2
    return {
        "cells": len(cells),
        "words": words,
        "formulas": formulas,
        "code": len(lines),
        "median lines": statistics.median(lines),
        "longest": max(lines),
        "minutes": minutes,
    }


def report(paths):
    """One line a notebook and their sum, as text."""
    rows = {path.stem: count(path) for path in paths}
    names = list(next(iter(rows.values())))
    yield " " * 28 + "".join(f"{name:>14}" for name in names)
    for stem, row in rows.items():
        yield f"{stem:28}" + "".join(f"{row[name]:14.0f}" for name in names)
    summed = {
        name: sum(row[name] for row in rows.values())
        for name in ("cells", "words", "formulas", "code", "minutes")
    }
    yield f"{'all':28}" + "".join(
        f"{summed[name]:14.0f}" if name in summed else " " * 14 for name in names
    )


if __name__ == "__main__":
    lessons = sorted((Path(__file__).parent.parent / "notebooks").glob("[0-9]*.ipynb"))
    print("\n".join(report([Path(name) for name in sys.argv[1:]] or lessons)))
