"""The notebooks keep the guards' rules, each rule fails when it is broken, and nbval compares what we think."""

import base64
import copy
import json
import re
import subprocess
import sys
from operator import itemgetter
from pathlib import Path

import nbformat
import pytest
from count_words import count, prose
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
from vaehelpers.diagnostics.tree import STEPS, TABLE

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
CLINIC = ROOT / "notebooks" / "10_the_clinic.ipynb"
SOLUTIONS = sorted((ROOT / "notebooks" / "solutions").glob("[0-9]*.ipynb"))
EXERCISES = sorted((ROOT / "notebooks" / "exercises").glob("[0-9]*.ipynb"))
DEEPER = sorted((ROOT / "notebooks" / "deeper").glob("[0-9]*.ipynb"))
SANITIZE = ROOT / "tests" / "course" / "sanitize.cfg"
SEEN = "Two lines over beta: the solid one falls to zero, the dashed one stays level."
OUTCOME = r"^(PASSED|FAILED|ERROR) \S*::Cell (\d)"


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_there_are_lessons():
    assert [path.stem for path in LESSONS][:1] == ["00_the_question"]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_keeps_the_rules(path):
    most_cells = MAX_CELLS_OF_THE_CLINIC if path == CLINIC else MAX_CELLS
    assert problems(read(path), path.stat().st_size, most_cells=most_cells) == []


@pytest.mark.parametrize(
    "path", [*DEEPER, *SOLUTIONS, *EXERCISES], ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_deeper_pages_exercises_and_solutions_keep_the_rules(path):
    assert problems(read(path), path.stat().st_size, lesson=False) == []


def test_the_main_path_stays_short():
    """An evening a lesson: words of prose, code cells and the lines of a typical one."""
    counts = [count(path) for path in LESSONS if path != CLINIC]
    assert sum(counted["words"] for counted in counts) <= 1450 * len(counts)
    assert max(counted["words"] for counted in counts) <= 1700
    assert sum(counted["code"] for counted in counts) <= 15 * len(counts)
    assert max(counted["median lines"] for counted in counts) <= 5
    assert len(DEEPER) <= 8


def test_the_clinic_stays_short_too():
    """Lesson 10 has limits of its own beside those of the way through: it is looked up, case by case."""
    counted = count(CLINIC)
    assert counted["words"] <= 1700
    assert counted["code"] <= 30
    assert counted["median lines"] <= 5


def test_the_tree_is_the_same_in_the_lesson_and_before_the_symptoms():
    assert TABLE in (ROOT / "docs" / "symptoms.md").read_text(encoding="utf-8")
    assert any(TABLE in "".join(cell["source"]) for cell in read(CLINIC)["cells"])


@pytest.mark.parametrize("number", range(1, 8))
def test_the_tree_names_the_cases_that_there_are(number):
    headings = [
        line
        for cell in read(CLINIC)["cells"]
        for line in cell["source"]
        if line.startswith("### Case")
    ]
    assert headings[number - 1].startswith(f"### Case {number}: ")
    assert any(re.search(rf"cases? [^;]*\b{number}\b", step.read) for step in STEPS)


def test_words_are_those_of_prose():
    markdown = "# A title\n[one link](https://a.b/c), $x + y$ and `code`.\n$$\nE = m\n$$\n| a |\n## References\nno"
    assert prose(markdown) == ["A", "title", "one", "link", "and", "code"]


ALL = [*LESSONS, *DEEPER, *SOLUTIONS, *EXERCISES]


@pytest.mark.parametrize("path", ALL, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_notebook_keeps_the_schema(path):
    nbformat.validate(read(path))


def test_few_cells_are_ignored():
    assert ignored_share([read(path) for path in ALL]) <= MAX_IGNORED_SHARE


def test_every_lesson_has_its_exercises():
    names = [path.name for path in LESSONS]
    assert names == [path.name for path in SOLUTIONS] == [path.name for path in EXERCISES]


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_exercises_are_generated_from_solutions(path):
    """The exercise is the solution with `answer = ...` in three tagged cells and "not answered" below, nothing else."""
    solution = nbformat.read(path, as_version=4)
    assert sum("solution" in cell.metadata.get("tags", []) for cell in solution.cells) == 3
    generated = exercise_of(solution)
    assert [cell.source for cell in generated.cells].count("answer = ...") == 3
    assert nbformat.read(ROOT / "notebooks" / "exercises" / path.name, as_version=4) == generated


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_an_exercise_runs_without_answers_as_its_solution_ran(path):
    exercise = read(ROOT / "notebooks" / "exercises" / path.name)
    assert list(open_problems(exercise, read(path))) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("answer + 1", "binds: answer"),
        ("p.shape", "binds: p"),
        ("def f():\n    return p", "binds: p"),
        ("p = 2", "binds: p"),
        ("exercises.check_floor(answer, p)", "binds: p"),
        ("print(1); exercises.check_floor(answer, small)", "not just one call"),
        ("exercises.check_floor(small, small)", "not just one call"),
    ],
)
def test_a_cell_that_needs_an_answer_is_found(source, words):
    """The solution of lesson 01 binds p in its last answer."""
    exercise = read(EXERCISES[1])
    code_cells(exercise)[-1]["source"] = source
    (problem,) = open_problems(exercise, read(SOLUTIONS[1]))
    assert problem.startswith("code cell 8: ") and words in problem


@pytest.mark.parametrize(
    "path", [*SOLUTIONS, *EXERCISES], ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_solutions_are_right_and_exercises_are_open(path):
    said = [
        text
        for cell in code_cells(read(path))
        if "check_" in "".join(cell["source"])
        for text in cell["outputs"]
    ]
    wanted = "✓ right" if path.parent.name == "solutions" else "… not answered yet"
    assert ["".join(output["text"]).startswith(wanted) for output in said] == [True] * 3


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_a_check_knows_its_exercise(path):
    """The documentation of the k-th check of a notebook says which lesson and which exercise it belongs to."""
    checks = [CHECK.fullmatch("".join(cell["source"])) for cell in code_cells(read(path))]
    documented = [getattr(exercises, check[1]).__doc__ for check in checks if check]
    wanted = [f"Lesson {path.stem[:2]}, exercise {k}: " for k in (1, 2, 3)]
    assert [doc[: len(start)] for doc, start in zip(documented, wanted, strict=True)] == wanted


def spoiled(change):
    """A good lesson, and what the guards say of it after `change(notebook, its second code cell)`."""
    notebook = copy.deepcopy(read(LESSONS[0]))
    change(notebook, code_cells(notebook)[1])
    return problems(notebook)


def markdown_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]


def output(**fields):
    return lambda notebook, cell: cell["outputs"].append(fields)


def swap_counts(notebook, cell):
    first = code_cells(notebook)[0]
    first["execution_count"], cell["execution_count"] = (
        cell["execution_count"],
        first["execution_count"],
    )


def alt(words):
    """Makes of the second code cell a figure with this alternative text; None: without."""
    form = {} if words is None else {"mystnb": {"image": {"alt": words}}}
    drawn = {"output_type": "display_data", "data": {"image/png": ""}, "metadata": {}}
    return lambda n, cell: cell.update(outputs=[drawn], metadata=form)


def repeat_the_caption(notebook, cell):
    """Claims stand between the figure and its caption, and the caption is emphasised."""
    place = notebook["cells"].index(cell) + 1
    caption = {
        "cell_type": "markdown",
        "id": "caption",
        "metadata": {},
        "source": f"*{SEEN}* And so on.",
    }
    notebook["cells"][place:place] = [code_cells(notebook)[0], caption]
    alt(SEEN.upper().rstrip("."))(notebook, cell)


HOLES = {
    "execution count": lambda n, cell: cell.update(execution_count=None),
    "out of order": swap_counts,
    "'raises-exception'": lambda n, cell: cell["metadata"].update(tags=["raises-exception"]),
    "'nbval-skip'": lambda n, cell: cell["metadata"].update(tags=["nbval-skip"]),
    "comment directs": lambda n, cell: cell.update(source="# NBVAL_IGNORE_OUTPUT\n1"),
    "cells are ignored": lambda n, cell: [
        c["metadata"].update(tags=["nbval-ignore-output"]) for c in code_cells(n)
    ],
    "semicolon": lambda n, cell: cell.update(source="plot();"),
    "16 lines": lambda n, cell: cell.update(source="a = 1\n" * 16),
    "0 lines": lambda n, cell: cell.update(source="\n"),
    "error": output(output_type="error", ename="E", evalue="", traceback=[]),
    "stderr": output(output_type="stream", name="stderr", text="x"),
    "HTML": output(output_type="display_data", data={"text/html": "<b>1</b>"}),
    "path or an address": output(output_type="stream", name="stdout", text="saved in /home/me/x"),
    "kernelspec": lambda n, cell: n["metadata"]["kernelspec"].update(name="my-env"),
    "metadata is not": lambda n, cell: n["metadata"].update(widgets={}),
    "other than tags": lambda n, cell: cell["metadata"].update(execution={}),
    "of code, a figure": lambda n, cell: markdown_cells(n)[1]["metadata"].update(
        mystnb={"image": {"alt": SEEN}}
    ),
    "figure without an alternative": alt(None),
    "alternative text without": lambda n, cell: cell["metadata"].update(
        mystnb={"image": {"alt": SEEN}}
    ),
    "text of 39 characters": alt("x" * 39 + " \n" * 9),
    "text of 251 characters": alt("x" * 251),
    "file name": alt(f"../_images/{'0a' * 32}.png"),
    "repeats the caption": repeat_the_caption,
    "not unique": lambda n, cell: cell.update(id=n["cells"][0]["id"]),
    "one title": lambda n, cell: markdown_cells(n)[1].update(source="# another"),
    "alternative text": lambda n, cell: markdown_cells(n)[1].update(source="![](x.png)"),
    "empty lines": lambda n, cell: markdown_cells(n)[1].update(source="So\n$$\nx\n$$\n\nand"),
    "Markdown": lambda n, cell: (
        n["cells"].__delitem__(slice(-4, None)) or n["cells"].extend([cell] * 6)
    ),
    "not 20 to 30": lambda n, cell: n["cells"].extend(n["cells"]),
}


@pytest.mark.parametrize("words", HOLES)
def test_a_broken_rule_is_found(words):
    assert any(words in problem for problem in spoiled(HOLES[words]))


def test_a_figure_with_its_alternative_text_is_no_problem():
    for words in (SEEN, "x" * 40, "x" * 250):
        assert spoiled(alt(words)) == []


@pytest.mark.parametrize(
    "form",
    [
        {},
        SEEN,
        {"image": SEEN},
        {"image": {"alt": 40}},
        {"image": {"alt": SEEN, "width": 9}},
        {"alt": SEEN},
    ],
)
def test_an_alternative_text_has_one_form(form):
    (problem,) = spoiled(lambda n, cell: (alt(SEEN)(n, cell), cell["metadata"].update(mystnb=form)))
    assert "mystnb is not" in problem


def a_figure(source, *tags):
    """An executed code cell that drew a figure, as nbformat has it."""
    metadata = {
        "tags": list(tags),
        "mystnb": {"image": {"alt": SEEN}},
        "execution": {"started": "now"},
    }
    drawn = nbformat.v4.new_output("display_data", {"image/png": ""})
    return nbformat.v4.new_code_cell(source, metadata=metadata, outputs=[drawn])


def test_execution_keeps_tags_and_alternative_texts_alone():
    notebook = nbformat.v4.new_notebook(
        cells=[a_figure("plot()", "readme-figure"), a_figure("plot()")]
    )
    clean(notebook)
    kept = {"mystnb": {"image": {"alt": SEEN}}}
    assert [cell.metadata for cell in notebook.cells] == [{"tags": ["readme-figure"], **kept}, kept]


def test_of_a_widget_its_sentence_is_stored():
    data = {
        "application/vnd.jupyter.widget-view+json": {"model_id": "1f"},
        "text/plain": "Slide beta.",
    }
    shown = nbformat.v4.new_output("execute_result", data, execution_count=1)
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("explorer()", outputs=[shown])]
    )
    clean(notebook)
    assert [output.data for output in notebook.cells[0].outputs] == [{"text/plain": "Slide beta."}]


def test_an_exercise_keeps_the_alternative_text_of_a_figure_that_stands():
    check = a_figure("exercises.check_floor(answer, p)")
    notebook = nbformat.v4.new_notebook(
        cells=[a_figure("plot()"), a_figure("plot(answer)", "solution"), check]
    )
    clean(notebook)
    drawn = [
        ("mystnb" in cell.metadata, "display_data" in str(cell.outputs))
        for cell in exercise_of(notebook).cells
    ]
    assert drawn == [(True, True), (False, False), (False, False)]


def test_a_large_notebook_is_found():
    assert any("bytes" in problem for problem in problems(read(LESSONS[0]), 800_001))


def printing(source, stored, count):
    """A cell that was executed as number `count` and printed what is stored."""
    outputs = (
        [nbformat.v4.new_output("stream", name="stdout", text=f"{stored}\n")] if stored else []
    )
    return nbformat.v4.new_code_cell(source, execution_count=count, outputs=outputs)


def passed_by_nbval(folder, *cells):
    """Which cells of a notebook with these pass, compared as `make test` compares."""
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=list(cells), metadata={"kernelspec": kernelspec})
    nbformat.write(notebook, folder / "one.ipynb")
    options = [
        "-rA",
        "--tb=no",
        "--nbval",
        "-c",
        ROOT / "pyproject.toml",
        "--nbval-sanitize-with",
        SANITIZE,
    ]
    command = [sys.executable, "-m", "pytest", *options, "one.ipynb"]
    printed = subprocess.run(command, capture_output=True, cwd=folder, text=True).stdout
    return [
        outcome == "PASSED"
        for outcome, _ in sorted(re.findall(OUTCOME, printed, re.MULTILINE), key=itemgetter(1))
    ]


def test_nbval_compares_a_cell_that_was_executed(tmp_path):
    """The last cell is nbval's hole: a stripped cell passes whatever it prints. The guards close it."""
    stored = [("2", 1), ("3", 2), (None, 3), (None, None)]
    cells = [printing("print(1 + 1)", *output) for output in stored]
    assert passed_by_nbval(tmp_path, *cells) == [True, False, False, True]


def test_a_lesson_that_a_person_ran_and_saved_still_passes(tmp_path):
    """The measured part of a claim is left out on both sides, and nothing else is."""
    imported = printing("from vaehelpers.claims import claim_close", None, 1)
    claimed = "claim_close('the rate', 6.94, expected=7, within=2, unit='nats')"
    stored = [
        "✓ the rate: 7 ± 2 nats",
        "✓ the rate: 7 ± 2 nats; here 7.1",
        "✓ the rate: 7 ± 1 nats; here 6.94",
    ]
    cells = [printing(claimed, said, count) for count, said in enumerate(stored, start=2)]
    assert passed_by_nbval(tmp_path, imported, *cells) == [True, True, True, False]


def test_the_readme_shows_the_lessons_own_figure():
    (cell,) = [
        cell
        for cell in code_cells(read(LESSONS[0]))
        if "readme-figure" in cell["metadata"].get("tags", [])
    ]
    (png,) = [o["data"]["image/png"] for o in cell["outputs"] if "image/png" in o.get("data", {})]
    assert base64.b64decode(png) == (ROOT / "docs" / "two_losses.png").read_bytes()


def test_links_between_files_lead_somewhere():
    pages = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "data").glob("*.md"),
    ]
    for page in pages:
        links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))
        assert [link for link in links if not (page.parent / link).exists()] == [], page


def test_every_symptom_leads_to_a_cell():
    """A quoted heading stands in the notebook that its row links to; a part of a heading will do."""
    page = (ROOT / "docs" / "symptoms.md").read_text(encoding="utf-8")
    files = dict(re.findall(r"(?m)^\[([^\]]+)\]: (.*)$", page))
    headings = {
        key: [
            line
            for cell in read(ROOT / "docs" / file)["cells"]
            for line in "".join(cell["source"]).splitlines()
        ]
        for key, file in files.items()
    }
    missing = []
    for key, quoted in re.findall(
        r"\[(\d\d[^\]]*)\]((?: and)? \"[^\"]+\"(?: and \"[^\"]+\")*)", page
    ):
        for heading in re.findall(r"\"([^\"]+)\"", quoted):
            if not any(line.startswith("#") and heading in line for line in headings[key]):
                missing.append((key, heading))
    assert missing == []
