"""From a symptom to its cause: questions, the cheapest first; the first yes ends the search."""

from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).with_name("tree.md").read_text(encoding="utf-8").strip()


class Step(NamedTuple):
    """A row of the table: a question, what answers it, what a yes means, where that is treated."""

    question: str
    ask: str
    cause: str
    read: str


_HEAD, _RULE, *_ROWS, _, OTHERWISE = TABLE.splitlines()
STEPS = tuple(Step(*row.strip("| ").split(" | ")[1:]) for row in _ROWS)
