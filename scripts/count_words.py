"""Counts what a lesson asks of its reader, and keeps the minutes that the pages state.

Usage: python scripts/count_words.py [NOTEBOOK ...]     (the main path where none is named)
       python scripts/count_words.py --write     writes the minutes into lessons, README and clock

Words are those of Markdown without tables, formulas, link addresses and references. Minutes: 100
words a minute, two for a displayed formula, one for a code cell that is shown (none for a folded
one); what runs comes on top. A lesson's first cell says "**Time** N minutes, R of them running": N
is the sum, rounded up to the next 5.
"""

import json
import math
import re
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
NOT_PROSE = [
    r"(?ms)^```.*?^```",  # code
    r"(?s)\$\$.*?\$\$",  # displayed formulas
    r"(?m)^\s*\|.*$",  # tables
    r"\$[^$\n]+\$",  # formulas in a line
    r"\]\([^)]*\)",  # where a link leads
    r"https?://\S+",
    r"(?ms)^#+ References.*",
]
CLAIM = re.compile(r"\bclaim(?:_close)?\(")
TIME = re.compile(r"(\*\*Time\*\* )(\d+)( minutes, ([\w ]+) of them running\b)")
WORDS = {
    "none": 0,
    "under one": 1,
    "less than one": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
}
RUNNING = WORDS | {str(minutes): minutes for minutes in range(1, 6)}
SUMMED = ("cells", "words", "formulas", "code", "hidden", "minutes")
BLOCK = 180  # minutes of one of the four blocks of two days


def prose(markdown):
    """The words of a Markdown cell."""
    for pattern in NOT_PROSE:
        markdown = re.sub(pattern, " ", markdown)
    return re.findall(r"[\w'’-]*[A-Za-z][\w'’-]*", markdown)


def hidden(cell):
    """Whether a code cell is folded: the reader sees what it prints or draws."""
    return cell["metadata"].get("jupyter", {}).get("source_hidden") is True


def formulas_of(cell):
    """How many displayed formulas a Markdown cell has."""
    return "".join(cell["source"]).count("$$") // 2


def claims_of(cell):
    """How many claims a code cell makes."""
    return len(CLAIM.findall("".join(cell["source"])))


def count(path):
    """What one notebook asks: a dict of numbers; code is the code that is shown."""
    cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    markdown = [cell for cell in cells if cell["cell_type"] == "markdown"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    shown = ["".join(cell["source"]) for cell in code if not hidden(cell)]
    words = sum(len(prose("".join(cell["source"]))) for cell in markdown)
    formulas = [formulas_of(cell) for cell in markdown]
    return {
        "cells": len(cells),
        "words": words,
        "formulas": sum(formulas),
        "code": len(shown),
        "hidden": len(code) - len(shown),
        "minutes": words / 100 + 2 * sum(formulas) + len(shown),
        "most formulas": max(formulas),
        "most claims": max(map(claims_of, code)),
        "lines": statistics.median(len(source.splitlines()) for source in shown),
        "characters": statistics.median(map(len, shown)),
    }


def report(paths):
    """One line a notebook and their sum; lines and characters are those of a typical shown cell."""
    rows = {path.stem: count(path) for path in paths}
    sums = {name: sum(row[name] for row in rows.values()) for name in SUMMED}
    yield " " * 28 + "".join(f"{name:>14}" for name in next(iter(rows.values())))
    for stem, row in (rows | {"all": sums}).items():
        yield f"{stem:28}" + "".join(f"{number:14.0f}" for number in row.values())


def stated(path):
    """The minutes that the first cell of a lesson states."""
    (found,) = re.findall(r"\*\*Time\*\* (\d+) minutes", path.read_text(encoding="utf-8"))
    return int(found)


def honest(path):
    """The minutes that it has to state: what is counted and what runs, up to the next 5."""
    said = TIME.search(path.read_text(encoding="utf-8"))
    if said is None or said[4] not in RUNNING:
        wanted = f"**Time** N minutes, R of them running, R being {', '.join(RUNNING)}"
        raise ValueError(f"{path.name}: its first cell has to say {wanted}")
    return 5 * math.ceil((count(path)["minutes"] + RUNNING[said[4]]) / 5)


def with_minutes(text, minutes):
    """A page with the stated minutes of each lesson in its tables, and what follows from them.

    Args:
        text: of README.md or docs/instructors.md.
        minutes: what the first cells state, by the lesson's number, "00".
    """
    for lesson, number in minutes.items():
        of_readme = rf"\| {lesson} \|[^|]*\|[^|]*\| "
        of_clock = rf"\| \d\d:\d\d \| \[{lesson} [^|]*\| \d+ \| "
        text = re.sub(rf"(?m)^({of_readme}|{of_clock})\d+(?= \|)", rf"\g<1>{number}", text)
    text = re.sub(r"(?m)^\| day .*$", lambda row: _block(row[0], minutes), text)
    rows = re.findall(r"(?m)^\| \d\d:\d\d \| \[\d\d [^|]*\| (\d+) \| (\d+) \|$", text)
    planned = sum(int(row[0]) for row in rows)
    alone = sum(int(row[1]) for row in rows)
    sums = f"{alone} minutes and are planned at {planned}, which leaves {planned - alone}"
    return re.sub(r"\d+ minutes and are planned at \d+, which leaves -?\d+", sums, text)


def _block(row, minutes):
    """A block of two days: its lessons' sum, and what is left for the first of the other parts."""
    _, block, lessons, _, rest, _ = row.split("|")
    total = sum(minutes[lesson] for lesson in re.findall(r"\d\d", lessons))
    first, *others = rest.strip().split(", ")
    left = BLOCK - total - sum(int(part.split()[-1]) for part in others)
    first = re.sub(r"-?\d+$", str(left), first)
    return f"|{block}|{lessons}| {total} | {', '.join([first, *others])} |"


def write():
    """Write the honest minutes into each lesson's first cell, and those into both pages."""
    for path in LESSONS:
        text = path.read_text(encoding="utf-8")
        number = honest(path)
        new = TIME.sub(lambda said, n=number: f"{said[1]}{n}{said[3]}", text)
        path.write_text(new, encoding="utf-8")
    minutes = {path.name[:2]: stated(path) for path in LESSONS}
    for page in (ROOT / "README.md", ROOT / "docs" / "instructors.md"):
        page.write_text(with_minutes(page.read_text(encoding="utf-8"), minutes), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    else:
        print("\n".join(report([Path(name) for name in sys.argv[1:]] or LESSONS)))
