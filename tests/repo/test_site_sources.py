"""What the site is made of: links, folded solutions, the checker's faults, the cheat sheet."""

import json
import re
from pathlib import Path

import check_site
import make_site
import numpy as np
import pytest

from vaehelpers.audit import audit_loss
from vaehelpers.collapse import collapse_at, collapse_threshold, no_code_pays_above
from vaehelpers.collapse.no_code import rounded_up
from vaehelpers.data import load_mnist

ROOT = Path(__file__).parents[2]
SHEET = (ROOT / "docs" / "cheat_sheet.html").read_text(encoding="utf-8")
LESSON = ROOT / "notebooks" / "06_collapse.ipynb"


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("[a](05_mean_or_sum.ipynb#The-batch)", "[a](05_mean_or_sum.ipynb#the-batch)"),
        ("[a](../README.md)", "[a](../index.md)"),
        ("[a](solutions/06_collapse.ipynb)", "[a](exercises/06_collapse.ipynb)"),
        ("[a](../docs/playground.html#D=4)", '<a href="../docs/playground.html#D=4">a</a>'),
        ("[a](../LICENSE)", "a"),
        ("[a](https://arxiv.org/abs/1312.6114)", "[a](https://arxiv.org/abs/1312.6114)"),
        ("rows[0](x)", "rows[0](x)"),
    ],
)
def test_a_link_leads_to_where_the_site_has_it(written, wanted):
    assert make_site.relinked(written, LESSON, address="") == wanted


def test_what_is_not_in_the_site_is_in_the_repository_once_it_has_an_address():
    linked = make_site.relinked("[a](../LICENSE)", LESSON, "https://b.c")
    assert linked == "[a](https://b.c/blob/main/LICENSE)"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks" / "exercises").glob("*.ipynb")), ids=lambda path: path.stem
)
def test_each_exercise_has_its_solution_folded_below_its_check(path):
    cells = json.loads(make_site.staged_notebook(path))["cells"]
    folds = [k for k, cell in enumerate(cells) if "hide-cell" in cell["metadata"].get("tags", [])]
    assert len(folds) == 3 and len({cell["id"] for cell in cells}) == len(cells)
    for k in folds:
        above, fold = cells[k - 1], cells[k]
        assert "exercises.check_" in "".join(above["source"])
        assert "not answered" in str(above["outputs"])
        assert "answer = ..." not in "".join(fold["source"]) and "✓ right" in str(fold["outputs"])


def cell(kind, source, tags=(), outputs=()):
    metadata = {"tags": list(tags)} if tags else {}
    return {"cell_type": kind, "source": source, "metadata": metadata, "outputs": list(outputs)}


def test_answers_below_a_prompt_are_folded_until_the_next_words():
    cells = [
        cell("code", "1", outputs=["1"]),
        cell("markdown", "*Before you run the cell:* how many?"),
        cell("code", "x = 2"),
        cell("code", "claim('two', x == 2)", tags=["hide-input"], outputs=["2"]),
        cell("markdown", "Two."),
        cell("code", "claim('three', True)", tags=["hide-input"], outputs=["3"]),
        cell("code", "draw()", tags=["hide-input"], outputs=["a figure"]),
    ]
    made = make_site.unspoiled(cells)
    tags = [made[k]["metadata"]["tags"] for k in (0, 2, 3, 5, 6)]
    assert tags == [[], [], ["hide-input", "hide-output"], ["hide-input"], ["hide-input"]]
    shown = [made[k]["metadata"]["mystnb"].get("code_prompt_show") for k in (0, 2, 3, 5, 6)]
    assert shown == [None, None, "What came out", "How this is checked", "See the program"]


def test_no_lesson_shows_its_answer_below_its_prompt():
    """A prompt's words stand in every lesson, and the first output below each is folded."""
    for path in sorted((ROOT / "notebooks").glob("[01]*.ipynb")):
        cells = json.loads(make_site.staged_notebook(path))["cells"]
        asked = [k for k, c in enumerate(cells) if "*Before you" in "".join(c["source"])]
        assert asked, path.stem
        for k in asked:
            below = next((c for c in cells[k:] if c.get("outputs")), None)
            words = [c for c in cells[k + 1 : cells.index(below)] if c["cell_type"] == "markdown"]
            assert words or "hide-output" in below["metadata"]["tags"], path.stem


SOUND = """<html><body id="top"><a href="b.html#one">b</a><a href="#top">up</a>
<img src="a.png" alt="a line"></body>"""


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ('<a href="c.html">c</a>', "c.html leads nowhere"),
        ('<a href="b.html#two">b</a>', "b.html#two has no such anchor"),
        ('<p id="top">', "id top stands twice"),
        ('<img src="a.png" alt="images/a.png">', "a.png has no alternative text"),
        ('<img src="a.png">', "a.png has no alternative text"),
        ('<script src="//a.b/c.js"></script>', "//a.b/c.js is shown from outside"),
        ('<link href="https://a.b/c.css">', "https://a.b/c.css is shown from outside"),
        ("x" * check_site.OWN_BYTES, "1,000,106 bytes are its own"),
    ],
)
def test_a_fault_of_a_page_is_named(tmp_path, broken, named):
    (tmp_path / "b.html").write_text('<p id="one">', encoding="utf-8")
    (tmp_path / "a.png").touch()
    page = tmp_path / "a.html"
    page.write_text(SOUND, encoding="utf-8")
    assert check_site.faults(tmp_path) == []
    page.write_text(SOUND + broken, encoding="utf-8")
    assert check_site.faults(tmp_path) == [f"a.html: {named}"]


def rows(name):
    table = re.search(rf'<table id="{name}">.*?<tbody>(.*?)</tbody>', SHEET, re.S)[1]
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", table)]


@pytest.mark.parametrize(("pixels", "latents", "formula", "beta"), rows("beta"))
def test_a_beta_of_the_cheat_sheet_is_what_the_audit_finds(pixels, latents, formula, beta):
    over = {"sum": np.sum, "mean": np.mean}

    def loss(x, x_decoded, z_mean, z_log_var):
        error = -(x * np.log(x_decoded) + (1 - x) * np.log(1 - x_decoded))
        kl = 0.5 * (np.exp(z_log_var) + z_mean**2 - 1 - z_log_var)
        return np.mean(over[pixels](error, axis=(1, 2, 3)) + over[latents](kl, axis=1))

    found = audit_loss(loss, image_shape=(28, 28, 1), latent_dim=2).beta
    assert np.isclose(found, float(beta), rtol=1e-4)
    python = formula.replace(" ", "*").replace("*/*", "/")
    assert eval(python, {"w": 1, "D": 784, "J": 2}) == float(beta)


def test_the_three_answers_of_the_cheat_sheet_are_the_package_s():
    assert [row[1] for row in rows("answers")] == [collapse_at(beta, 1, 3) for beta in (0, 2, 4)]
    x = load_mnist().x_train
    low = f"{collapse_threshold(x):.1f}"
    high = f"{rounded_up(no_code_pays_above(x)):g}"
    weights = [f"below {low}", f"{low} to {high}", f"{high} and above"]
    assert [row[2] for row in rows("answers")] == weights


def test_the_checklist_of_the_cheat_sheet_is_lesson_09_s():
    lesson = (ROOT / "notebooks" / "09_comparing_honestly.ipynb").read_text(encoding="utf-8")
    names = re.findall(r"- \*\*(\w+)\*\*: ", lesson.split("## A checklist for papers")[1])
    sheet = re.search(r'<ul class="list" id="checklist">(.*?)</ul>', SHEET, re.S)[1]
    assert len(names) == 11 and re.findall(r"<strong>(\w+)</strong>", sheet) == names
