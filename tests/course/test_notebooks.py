"""The notebooks keep the guards' rules, each rule fails when it is broken, and nbval compares."""

import base64
import json
import re
import subprocess
import sys
from itertools import pairwise
from operator import itemgetter
from pathlib import Path

import nbformat
import pytest
from count_words import TIME, count, honest, prose, stated, with_minutes
from execute_notebooks import clean
from make_exercises import CHECK, exercise_of
from notebook_guards import (
    MAX_CELLS,
    MAX_CELLS_OF_THE_CLINIC,
    MAX_IGNORED_SHARE,
    code_cells,
    ignored_share,
    open_problems,
    problems,
)

from vaehelpers import exercises
from vaehelpers.diagnostics.tree import TABLE
from vaehelpers.plots import vae_diagram

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
FIRST_READING = [path for path in LESSONS if path.name < "06"]
CLINIC = ROOT / "notebooks" / "10_the_clinic.ipynb"
SOLUTIONS = sorted((ROOT / "notebooks" / "solutions").glob("[0-9]*.ipynb"))
EXERCISES = sorted((ROOT / "notebooks" / "exercises").glob("[0-9]*.ipynb"))
DEEPER = sorted((ROOT / "notebooks" / "deeper").glob("[0-9]*.ipynb"))
ALL = [*LESSONS, *DEEPER, *SOLUTIONS, *EXERCISES]
SANITIZE = ROOT / "tests" / "course" / "sanitize.cfg"
SEEN = "Two lines over beta: the solid one falls to zero, the dashed one stays level."


def form_of(words):
    """The metadata of a cell that drew a figure with this alternative text."""
    return {"mystnb": {"image": {"alt": words}}}


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def over(paths):
    """A parametrization over notebooks, named by folder and number."""
    ids = [f"{path.parent.name}-{path.stem}" for path in paths]
    return pytest.mark.parametrize("path", paths, ids=ids)


@over(ALL)
def test_a_notebook_keeps_the_rules_and_the_schema(path):
    nbformat.validate(read(path))
    most_cells = MAX_CELLS_OF_THE_CLINIC if path == CLINIC else MAX_CELLS
    options = {"lesson": path in LESSONS, "first_reading": path in FIRST_READING}
    assert problems(read(path), path.stat().st_size, most_cells=most_cells, **options) == []


def test_lessons_stay_short():
    """An evening a lesson: words of prose, shown code cells, and the code of a typical one.

    Lesson 10 has limits of its own: it is looked up, case by case.
    """
    counts = {path: count(path) for path in LESSONS}
    assert max(counted["words"] for counted in counts.values()) <= 1700
    assert max(counted["characters"] for counted in counts.values()) <= 550
    assert counts.pop(CLINIC)["code"] <= 30
    assert sum(counted["words"] for counted in counts.values()) <= 1600 * len(counts)
    assert sum(counted["code"] for counted in counts.values()) <= 18 * len(counts)
    assert len(DEEPER) <= 13


@over(LESSONS)
def test_a_lesson_states_its_honest_minutes(path):
    """Where it does not: python scripts/count_words.py --write."""
    assert stated(path) == honest(path)
    assert stated(path) <= (40 if path in FIRST_READING else 60)


@pytest.mark.parametrize("page", ["README.md", "docs/instructors.md"])
def test_a_page_states_the_lessons_minutes_and_their_sums(page):
    """Where it does not: python scripts/count_words.py --write."""
    text = (ROOT / page).read_text(encoding="utf-8")
    minutes = {path.name[:2]: stated(path) for path in LESSONS}
    assert text == with_minutes(text, minutes)
    assert text != with_minutes(text, dict.fromkeys(minutes, 1))


def test_the_instructors_clock_adds_up():
    """Each part ends where the next begins, and what is left for talk is not nothing."""
    text = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| (\d\d):(\d\d) \|[^|]*\| (\d*) ?\|", text)
    starts = [60 * int(hour) + int(minute) for hour, minute, _ in rows]
    assert len(rows) == 10
    assert [later - start for start, later in pairwise(starts)] == [
        int(row[2]) for row in rows[:-1]
    ]
    left = re.findall(r"which leaves (-?\d+)|(?m:^)\| day (?:[^|]*\|){3} \D*?(-?\d+)", text)
    assert len(left) == 5
    assert min(int(first or second) for first, second in left) >= 15


def test_minutes_count_what_is_shown(tmp_path):
    """200 words, a formula, a shown and a folded cell: 2 + 2 + 1 minutes, and one that runs."""
    first = "# A\n\n**Time** 5 minutes, {} of them running.\n\n$$\nx\n$$\n\n" + "word " * 191
    folded = {"jupyter": {"source_hidden": True}, "tags": ["hide-input"]}
    new = nbformat.v4
    for running, minutes in {"none": 5, "under one": 10, "1": 10}.items():
        cells = [
            new.new_markdown_cell(first.format(running)),
            new.new_code_cell("claim(a, b)\nclaim_close(c)\nx"),
            new.new_code_cell("claim(1)\n" * 20, metadata=folded),
        ]
        path = tmp_path / "00_a.ipynb"
        nbformat.write(new.new_notebook(cells=cells), path)
        counted = count(path)
        shown = counted["code"], counted["hidden"], counted["lines"], counted["most claims"]
        assert shown == (1, 1, 3, 20)
        assert (stated(path), honest(path)) == (5, minutes)
    assert TIME.search("**Time** 5 minutes, one of them training.") is None


def test_the_tree_is_the_same_in_the_lesson_and_before_the_symptoms():
    assert TABLE in (ROOT / "docs" / "symptoms.md").read_text(encoding="utf-8")
    assert any(TABLE in "".join(cell["source"]) for cell in read(CLINIC)["cells"])


QUOTED = re.compile(r'\[(\d\d[^\]]*)\] ((?:"[^"]+"(?:, | and )?)+)')


def test_headings_that_the_symptoms_quote_stand_in_their_lessons():
    page = (ROOT / "docs" / "symptoms.md").read_text(encoding="utf-8")
    where = dict(re.findall(r"(?m)^\[(\d\d[^\]]*)\]: \.\./(\S+)$", page))
    quoted = [
        (label, words.replace("`", ""))
        for label, several in QUOTED.findall(page)
        for words in re.findall(r'"([^"]+)"', several)
    ]
    assert len(quoted) > 60
    missing = [(label, words) for label, words in quoted if words not in headings(where[label])]
    assert missing == []


def headings(name):
    """The headings of a notebook, without the signs of code."""
    prose = "\n".join("".join(cell["source"]) for cell in markdown_cells(read(ROOT / name)))
    return "\n".join(re.findall(r"(?m)^#+ .*$", prose)).replace("`", "")


def test_words_are_those_of_prose():
    markdown = "# A title\n[one link](https://a.b/c), $x + y$ and `code`.\n$$\nE = m\n$$\n| a |"
    markdown += "\n## References\nno"
    assert prose(markdown) == ["A", "title", "one", "link", "and", "code"]


def test_few_cells_are_ignored():
    assert ignored_share([read(path) for path in ALL]) <= MAX_IGNORED_SHARE


def test_every_lesson_has_its_exercises():
    names = [path.name for path in LESSONS]
    assert names == [path.name for path in SOLUTIONS] == [path.name for path in EXERCISES]


@over(SOLUTIONS)
def test_exercises_are_generated_from_solutions(path):
    """It is the solution with `answer = ...` in three tagged cells and "not answered" below."""
    solution = nbformat.read(path, as_version=4)
    assert sum("solution" in cell.metadata.get("tags", []) for cell in solution.cells) == 3
    generated = exercise_of(solution)
    assert [cell.source for cell in generated.cells].count("answer = ...") == 3
    assert nbformat.read(ROOT / "notebooks" / "exercises" / path.name, as_version=4) == generated


@over(SOLUTIONS)
def test_an_exercise_runs_without_answers_as_its_solution_ran(path):
    exercise = read(ROOT / "notebooks" / "exercises" / path.name)
    assert list(open_problems(exercise, read(path))) == []


NEEDING = {
    "answer + 1": "binds: answer",
    "p.shape": "binds: p",
    "def f():\n    return p": "binds: p",
    "p = 2": "binds: p",
    "exercises.check_floor(answer, p)": "binds: p",
    "print(1); exercises.check_floor(answer, small)": "not just one call",
    "exercises.check_floor(small, small)": "not just one call",
}


@pytest.mark.parametrize(("source", "words"), NEEDING.items())
def test_a_cell_that_needs_an_answer_is_found(source, words):
    """The solution of lesson 01 binds p in its last answer."""
    exercise = read(EXERCISES[1])
    code_cells(exercise)[-1]["source"] = source
    (problem,) = open_problems(exercise, read(SOLUTIONS[1]))
    assert problem.startswith("code cell 8: ") and words in problem


@over(SOLUTIONS + EXERCISES)
def test_solutions_are_right_and_exercises_are_open(path):
    checks = [cell for cell in code_cells(read(path)) if "check_" in "".join(cell["source"])]
    said = ["".join(output["text"]) for cell in checks for output in cell["outputs"]]
    wanted = "✓ right" if path.parent.name == "solutions" else "… not answered yet"
    assert [text.startswith(wanted) for text in said] == [True] * 3


@over(EXERCISES)
def test_a_check_knows_its_exercise(path):
    """The k-th check of a notebook says which lesson and which exercise it belongs to."""
    checks = [CHECK.fullmatch("".join(cell["source"])) for cell in code_cells(read(path))]
    documented = [getattr(exercises, check[1]).__doc__ for check in checks if check]
    wanted = [f"Lesson {path.stem[:2]}, exercise {k}: " for k in (1, 2, 3)]
    assert [doc[: len(start)] for doc, start in zip(documented, wanted, strict=True)] == wanted


def spoiled(change):
    """What the guards say of a lesson only after `change(notebook, its second code cell)`."""
    notebook = read(LESSONS[0])
    before = problems(notebook, first_reading=True)
    change(notebook, code_cells(notebook)[1])
    return [found for found in problems(notebook, first_reading=True) if found not in before]


def markdown_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]


def code(**fields):
    """Changes the second code cell."""
    return lambda notebook, cell: cell.update(fields)


def prose_cell(**fields):
    return lambda notebook, cell: markdown_cells(notebook)[1].update(fields)


def output(**fields):
    return code(outputs=[fields])


def swap_counts(notebook, cell):
    first = code_cells(notebook)[0]
    counts = first["execution_count"], cell["execution_count"]
    cell["execution_count"], first["execution_count"] = counts


def alt(words):
    """Makes of the second code cell a figure with this alternative text; None: without."""
    drawn = {"output_type": "display_data", "data": {"image/png": ""}, "metadata": {}}
    return code(outputs=[drawn], metadata={} if words is None else form_of(words))


def repeat_the_caption(notebook, cell):
    """Claims stand between the figure and its caption, and the caption is emphasised."""
    place = notebook["cells"].index(cell) + 1
    caption = nbformat.v4.new_markdown_cell(f"*{SEEN}* And so on.")
    notebook["cells"][place:place] = [code_cells(notebook)[0], caption]
    alt(SEEN.upper().rstrip("."))(notebook, cell)


def ignore_all(notebook, cell):
    for one in code_cells(notebook):
        one["metadata"] = {"tags": ["nbval-ignore-output"]}


def prose_and_code(prose, code):
    """So many Markdown and code cells."""

    def change(notebook, cell):
        notebook["cells"] = [notebook["cells"][0]] * prose + [cell] * code

    return change


def fold(*tags, source="a = 1", **jupyter):
    """A code cell with these tags and this metadata of Jupyter."""
    return code(source=source, metadata={"tags": list(tags), "jupyter": jupyter})


def diagram(svg, said, **more):
    data = {"image/svg+xml": [svg], "text/plain": [said], **more}
    shown = {"output_type": "execute_result", "data": data, "metadata": {}}
    return code(outputs=[shown], metadata=form_of(SEEN))


HOLES = {
    "execution count": code(execution_count=None),
    "out of order": swap_counts,
    "'raises-exception'": code(metadata={"tags": ["raises-exception"]}),
    "'nbval-skip'": code(metadata={"tags": ["nbval-skip"]}),
    "comment directs": code(source="# NBVAL_IGNORE_OUTPUT\n1"),
    "cells are ignored": ignore_all,
    "semicolon": code(source="plot();"),
    "16 lines": code(source="a = 1\n" * 16),
    "31 lines": fold("hide-input", source="a = 1\n" * 31, source_hidden=True),
    "folded here or on the site": fold("hide-input"),
    "goes with the tag": fold(source_hidden=True),
    "metadata jupyter": fold(outputs_hidden=True),
    "a line of 81 characters": code(source="x" * 81),
    "makes 4 claims": code(source="claim(a, b)\nclaim_close(c)\n" * 2),
    "displays 2 formulas": prose_cell(source="So\n\n$$\nx\n$$\n\nand\n\n$$\ny\n$$\n\nhold."),
    "0 lines": code(source="\n"),
    "error": output(output_type="error", ename="E", evalue="", traceback=[]),
    "stderr": output(output_type="stream", name="stderr", text="x"),
    "HTML": output(output_type="display_data", data={"text/html": "<b>1</b>"}),
    "SVG": diagram("<svg>1</svg>", "Another picture"),
    "or a widget": diagram("<svg>1</svg>", "A VAE", **{"text/html": "<b>1</b>"}),
    "is compared": diagram("<b>1</b>", "A VAE, with the draw lit"),
    "path or an address": output(output_type="stream", name="stdout", text="saved in /home/me/x"),
    "kernelspec": lambda n, cell: n["metadata"]["kernelspec"].update(name="my-env"),
    "metadata is not": lambda n, cell: n["metadata"].update(widgets={}),
    "other than tags": code(metadata={"execution": {}}),
    "of code, a figure": prose_cell(metadata=form_of(SEEN)),
    "figure without an alternative": alt(None),
    "alternative text without": code(metadata=form_of(SEEN)),
    "text of 39 characters": alt("x" * 39 + " \n" * 9),
    "text of 251 characters": alt("x" * 251),
    "file name": alt(f"../_images/{'0a' * 32}.png"),
    "repeats the caption": repeat_the_caption,
    "not unique": lambda n, cell: cell.update(id=n["cells"][0]["id"]),
    "one title": prose_cell(source="# another"),
    "alternative text": prose_cell(source="![](x.png)"),
    "empty lines": prose_cell(source="So\n$$\nx\n$$\n\nand"),
    "44% of the shown cells": prose_and_code(11, 14),
    "81% of the shown cells": prose_and_code(21, 5),
    "not 20 to 45": lambda n, cell: n["cells"].extend(n["cells"]),
}


@pytest.mark.parametrize("words", HOLES)
def test_a_broken_rule_is_found(words):
    assert any(words in problem for problem in spoiled(HOLES[words]))


@pytest.mark.parametrize(
    "change",
    [
        fold("hide-input", source="a = 1\n" * 30, source_hidden=True),
        fold("hide-input", source="x" * 99, source_hidden=True),
        diagram("<svg>1</svg>", "A VAE, with the draw of the code lit: mean + noise"),
    ],
)
def test_a_folded_cell_may_be_long_and_a_diagram_is_compared(change):
    assert spoiled(change) == []


def test_a_figure_with_its_alternative_text_is_no_problem():
    for words in (SEEN, "x" * 40, "x" * 250):
        assert spoiled(alt(words)) == []


FORMS = [SEEN, {"image": SEEN}, {"image": {"alt": 40}}, {"image": {"alt": SEEN, "width": 9}}]


@pytest.mark.parametrize("form", [*FORMS, {}, {"alt": SEEN}])
def test_an_alternative_text_has_one_form(form):
    (problem,) = spoiled(lambda n, cell: (alt(SEEN)(n, cell), cell["metadata"].update(mystnb=form)))
    assert "mystnb is not" in problem


def a_figure(source, *tags):
    """An executed code cell that drew a figure, as nbformat has it."""
    metadata = {"tags": list(tags), "execution": {"started": "now"}} | form_of(SEEN)
    drawn = nbformat.v4.new_output("display_data", {"image/png": ""})
    return nbformat.v4.new_code_cell(source, metadata=metadata, outputs=[drawn])


def test_execution_keeps_tags_and_alternative_texts_alone():
    cells = [a_figure("plot()", "readme-figure"), a_figure("plot()")]
    clean(nbformat.v4.new_notebook(cells=cells))
    kept = form_of(SEEN)
    assert [cell.metadata for cell in cells] == [{"tags": ["readme-figure"], **kept}, kept]


def test_what_a_cell_prints_is_joined_and_a_bar_keeps_its_last_state():
    streams = [
        ("stdout", "1\n"),
        ("stdout", " 10 %\r100 %\n"),
        ("stderr", "2\n"),
        ("stdout", "3\n"),
    ]
    outputs = [nbformat.v4.new_output("stream", name=name, text=text) for name, text in streams]
    cell = nbformat.v4.new_code_cell("train()", outputs=outputs)
    clean(nbformat.v4.new_notebook(cells=[cell]))
    assert [output.text for output in cell.outputs] == ["1\n100 %\n", "2\n", "3\n"]


def test_of_a_widget_its_sentence_is_stored():
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "1f"}}
    data = widget | {"text/plain": "Slide beta."}
    shown = nbformat.v4.new_output("execute_result", data, execution_count=1)
    cell = nbformat.v4.new_code_cell("explorer()", outputs=[shown])
    clean(nbformat.v4.new_notebook(cells=[cell]))
    assert [output.data for output in cell.outputs] == [{"text/plain": "Slide beta."}]


def test_an_exercise_keeps_the_alternative_text_of_a_figure_that_stands():
    check = a_figure("exercises.check_floor(answer, p)")
    cells = [a_figure("plot()"), a_figure("plot(answer)", "solution"), check]
    notebook = nbformat.v4.new_notebook(cells=cells)
    clean(notebook)
    for cell, stands in zip(exercise_of(notebook).cells, (True, False, False), strict=True):
        assert ("mystnb" in cell.metadata) == stands == ("display_data" in str(cell.outputs))


def test_a_large_notebook_is_found():
    assert any("bytes" in problem for problem in problems(read(LESSONS[0]), 800_001))


def printing(source, stored, count):
    """A cell that was executed as number `count` and printed what is stored."""
    outputs = [nbformat.v4.new_output("stream", text=f"{stored}\n")] if stored else []
    return nbformat.v4.new_code_cell(source, execution_count=count, outputs=outputs)


def passed_by_nbval(folder, *cells):
    """Which cells of a notebook with these pass, compared as `make test` compares."""
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=list(cells), metadata={"kernelspec": kernelspec})
    nbformat.write(notebook, folder / "one.ipynb")
    options = f"-rA --tb=no --nbval -c {ROOT}/pyproject.toml --nbval-sanitize-with {SANITIZE}"
    command = [sys.executable, "-m", "pytest", *options.split(), "one.ipynb"]
    printed = subprocess.run(command, capture_output=True, cwd=folder, text=True).stdout
    outcomes = re.findall(r"(?m)^(PASSED|FAILED|ERROR) \S*::Cell (\d)", printed)
    return [outcome == "PASSED" for outcome, _ in sorted(outcomes, key=itemgetter(1))]


def test_nbval_compares_what_was_executed_but_not_what_was_measured(tmp_path):
    """Of a claim what was measured is left out on both sides. A cell without a count is a hole."""
    imported = printing("from vaehelpers.claims import claim_close", None, 1)
    claimed = "claim_close('the rate', 6.94, expected=7, within=2, unit='nats')"
    sums = [("print(1 + 1)", "2"), ("print(1 + 1)", "3"), ("print(1 + 1)", None)]
    claims = [
        (claimed, f"✓ the rate: 7 ± {said}") for said in ("2 nats", "2 nats; here 7.1", "1 nats")
    ]
    cells = [printing(*cell, count) for count, cell in enumerate(sums + claims, start=2)]
    unseen = printing("print(1 + 1)", None, None)
    passed = passed_by_nbval(tmp_path, imported, *cells, unseen)
    assert passed == [True, True, False, False, True, True, False, True]


def test_nbval_compares_the_diagram(tmp_path):
    diagram = vae_diagram("draw")
    stored = [diagram.svg, diagram.svg.replace("decoder", "encoder")]
    cells = [printing("from vaehelpers.plots import vae_diagram", None, 1)]
    for number, svg in enumerate(stored, start=2):
        data = {"image/svg+xml": svg, "text/plain": repr(diagram)}
        shown = nbformat.v4.new_output("execute_result", data, execution_count=number)
        source = 'vae_diagram("draw")'
        cells.append(nbformat.v4.new_code_cell(source, execution_count=number, outputs=[shown]))
    assert passed_by_nbval(tmp_path, *cells) == [True, True, False]


def test_the_readme_shows_the_lessons_own_figure():
    (cell,) = [
        cell
        for cell in code_cells(read(LESSONS[0]))
        if "readme-figure" in cell["metadata"].get("tags", [])
    ]
    (png,) = [o["data"]["image/png"] for o in cell["outputs"] if "image/png" in o.get("data", {})]
    assert base64.b64decode(png) == (ROOT / "docs" / "two_losses.png").read_bytes()


def test_links_between_files_lead_somewhere():
    pages = [page for folder in (".", "docs", "data") for page in (ROOT / folder).glob("*.md")]
    for page in pages:
        links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))
        assert [link for link in links if not (page.parent / link).exists()] == [], page
