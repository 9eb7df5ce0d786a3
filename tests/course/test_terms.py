"""No lesson of the main path says a word of the glossary before the lesson that explains it."""

import ast
import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
MOST = 9  # terms that one lesson explains
ENTRY = re.compile(
    r"\*\*(?P<term>[^*]+)\*\*.*?\[(?P<lesson>\w+)( deeper)?\](\(\S+\))?\. (?P<rest>.+)"
)
LEFT_OUT = [
    r"(?ms)^```.*?^```",  # code
    r"`[^`]*`",
    r"(?s)!?\[[^\]]*\]\([^)]*\)",  # links, with their words
    r"(?m)^(?:\*\*)?Next:.*$",
    r"(?ms)^#+ References.*",
]


class Term(NamedTuple):
    """A word of the glossary: the number of its lesson, and the forms in which it is met."""

    name: str
    lesson: str
    forms: tuple[str, ...]


def terms_of(glossary):
    """The entries of the glossary's list."""
    terms = []
    for entry in glossary.split("\n\n[00]: ")[0].split("\n- ")[1:]:
        found = ENTRY.fullmatch(" ".join(entry.split()))
        _, _, met = found["rest"].partition(" *Met as*: ")
        forms = tuple(met.rstrip(".").split(", ")) if met else ()
        terms.append(Term(found["term"], found["lesson"], forms))
    return terms


TERMS = terms_of((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))


def sentences_of(cell):
    """What a reader reads as prose: Markdown without links and references, claims."""
    source = "".join(cell["source"])
    if cell["cell_type"] == "code":
        return " ".join(claimed(source))
    for pattern in LEFT_OUT:
        source = re.sub(pattern, " ", source)
    return " ".join(source.split())


def claimed(source):
    """The sentences of a cell's claims, without the values in them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("claim", "claim_close"):
            for part in ast.walk(node.args[0]):
                if isinstance(part, ast.Constant):
                    yield str(part.value)


def as_words(forms):
    """A pattern that finds any of these forms, in one or many."""
    return re.compile(rf"(?i)\b({'|'.join(map(re.escape, forms))})(?:s|es)?\b")


def too_early(notebook, lesson, terms):
    """The words of later lessons that stand in this one, as (cell, word).

    A form that is known by then may hold a later one: "posterior collapse" is no "posterior".
    """
    known = [form for term in terms if term.lesson <= lesson for form in term.forms]
    later = [form for term in terms if "99" > term.lesson > lesson for form in term.forms]
    for number, cell in enumerate(notebook["cells"]):
        prose = sentences_of(cell)
        if known:
            prose = as_words(known).sub(" ", prose)
        for found in as_words(later).finditer(prose) if later else ():
            yield number, found[1].lower()


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_no_word_stands_before_its_lesson(path):
    """Say it otherwise, or link to the lesson: a link's words are left out."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    found = list(too_early(notebook, path.name[:2], TERMS))
    assert [f"{path.stem}, cell {number}: {word}" for number, word in found] == []


def test_the_glossary_is_a_list_in_order():
    names = [term.name for term in TERMS]
    assert len(names) > 55
    assert names == sorted(names, key=str.lower)
    forms = [form for term in TERMS for form in term.forms]
    assert len(forms) == len(set(forms))
    numbers = {path.name[:2] for path in LESSONS}
    assert {term.lesson for term in TERMS} <= {*numbers, "README"}
    assert max(sum(term.lesson == number for term in TERMS) for number in numbers) <= MOST


KNOWN = [
    Term("collapse", "00", ("posterior collapse",)),
    Term("posterior", "02", ("posterior",)),
    Term("alive", "06", ("alive",)),
    Term("optimum", "06", ("local optimum", "local optima")),
    Term("detached", "README", ()),
]


@pytest.mark.parametrize(
    ("source", "words"),
    {
        "It is alive.": ["alive"],
        "A local\noptimum, and Local optima.": ["local optimum", "local optima"],
        "Posteriors, by posterior collapse": ["posterior"],
        "Of **alive**-ness\n\nNext: is it alive?": ["alive"],
        "**Next:** alive, `alive` and [what is\nalive](06.ipynb).\n\n## References\nalive": [],
        "Beta, deliver, localoptimum.": [],
    }.items(),
)
def test_an_early_word_is_found(source, words):
    notebook = {"cells": [{"cell_type": "markdown", "source": source.splitlines(keepends=True)}]}
    assert list(too_early(notebook, "01", KNOWN)) == [(0, word) for word in words]
    assert list(too_early(notebook, "06", KNOWN)) == []


def test_an_early_word_in_a_claim_is_found():
    source = 'alive = 1  # alive\nclaim(f"{alive} is alive", alive)\nclaim_close("a posterior", 1)'
    notebook = {"cells": [{"cell_type": "code", "source": [source]}]}
    assert sorted(word for _, word in too_early(notebook, "00", KNOWN)) == ["alive", "posterior"]
