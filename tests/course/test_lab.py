"""The lab's copies of the notebooks: without outputs, renewed unless edited, links lead on."""

import re

import nbformat
import pytest
from execute_notebooks import ROOT
from lab import renew

LESSON, EXERCISE = "00_the_question.ipynb", "exercises/00_the_question.ipynb"


def read(path):
    return nbformat.read(path, as_version=4)


def rewrite(path, **changes):
    """Change the last code cell of a notebook."""
    notebook = read(path)
    [cell for cell in notebook.cells if cell.cell_type == "code"][-1].update(changes)
    nbformat.write(notebook, path)


@pytest.fixture
def folders(tmp_path):
    """A folder of two notebooks and one of their copies."""
    (tmp_path / "notebooks" / "exercises").mkdir(parents=True)
    for name in (LESSON, EXERCISE):
        (tmp_path / "notebooks" / name).write_bytes((ROOT / "notebooks" / name).read_bytes())
    folders = tmp_path / "notebooks", tmp_path / "my_notebooks"
    assert renew(*folders) == []
    return folders


def test_a_copy_is_the_notebook_without_outputs(folders):
    for name in (LESSON, EXERCISE):
        notebook, copy = (read(folder / name) for folder in folders)
        assert [cell.source for cell in copy.cells] == [cell.source for cell in notebook.cells]
        code = [cell for cell in copy.cells if cell.cell_type == "code"]
        assert not any(cell.outputs or cell.execution_count for cell in code)


def test_what_was_run_is_renewed_when_the_notebook_changes(folders):
    notebooks, copies = folders
    shown = [nbformat.v4.new_output("stream", text="1\n")]
    rewrite(copies / LESSON, execution_count=1, outputs=shown)
    assert renew(*folders) == []
    assert "outputs" in str(read(copies / LESSON)) and "1\\n" in str(read(copies / LESSON))
    rewrite(notebooks / LESSON, source="print(2)")
    assert renew(*folders) == []
    assert "print(2)" in (copies / LESSON).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "edit", [lambda path: rewrite(path, source="answer = 1"), lambda path: path.write_text("{")]
)
def test_what_was_edited_stays_and_is_named_once_for_each_change(folders, edit):
    notebooks, copies = folders
    edit(copies / EXERCISE)
    mine = (copies / EXERCISE).read_bytes()
    assert renew(*folders) == []
    for source in ("print(2)", "print(3)"):
        rewrite(notebooks / EXERCISE, source=source)
        assert renew(*folders) == [EXERCISE]
        assert renew(*folders) == []
        assert (copies / EXERCISE).read_bytes() == mine
    (copies / EXERCISE).unlink()
    assert renew(*folders) == []
    assert "print(3)" in (copies / EXERCISE).read_text(encoding="utf-8")


def test_copies_are_known_without_the_list_of_what_was_made(folders):
    (folders[1] / ".made.json").unlink()
    assert renew(*folders) == []


def test_links_lead_from_a_copy_where_they_lead_from_the_notebook():
    """The copies lie beside the notebooks, each as deep as its own."""
    for path in (ROOT / "notebooks").rglob("[0-9]*.ipynb"):
        prose = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
        for link in re.findall(r"\]\((?!https?://|#|attachment:)([^)#]+)", prose):
            assert (path.parent / link).exists() and "notebooks/" not in link, (path, link)
