"""Builds the site into `_site`: lessons, exercises with solutions folded in, look-up pages, API.

Usage: python scripts/make_site.py

Nothing is executed. Sphinx reads a staged copy in `.site`, in which a link that leaves the site
leads to the repository, or is plain text while pyproject.toml names no address of it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from fetch_npm import fetch_npm

from vaehelpers.explorers import explorers_page
from vaehelpers.explorers.explorers import SENTENCES

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".site"
STAGE = WORK / "source"
SITE = ROOT / "_site"
MATHJAX_SHA256 = "d4295dc33744836935c1399feece5159577b34c5c8ffb9f1c6324cd82e03a882"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ADDRESS = PROJECT.get("urls", {}).get("Repository", "")
LINK = re.compile(r"(?<!!)\[((?:!\[[^\]]*\]\([^)]*\)|[^\[\]])*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
FOLD = {
    "tags": ["hide-cell"],
    "mystnb": {"code_prompt_show": "Show a solution", "code_prompt_hide": "A solution"},
}
ASKED = re.compile(r"\*(?:Before you|Predict)")  # a prompt of a lesson, above the cell that answers
CAME_OUT = {"code_prompt_show": "What came out", "code_prompt_hide": "What came out"}
SEE_CODE = {"code_prompt_show": "See the program", "code_prompt_hide": "The program"}
SEE_CHECK = {"code_prompt_show": "How this is checked", "code_prompt_hide": "How it is checked"}
HEIGHTS = {  # px, of frames
    "playground": 900,
    "beta_explorer": 990,
    "latent_explorer": 570,
    "reduction_calculator": 500,
}
ROOMS = re.compile(r"^    (\w+)  ", re.M)


def read(path):
    return path.read_text(encoding="utf-8")


def staged_name(path):
    """Where a file of the repository stands in the site, or None."""
    name = path.relative_to(ROOT).as_posix().replace("solutions/", "exercises/")  # folded in there
    if name == "README.md":
        return "index.md"
    shown = re.fullmatch(r"docs/[\w.]+|notebooks/.*\.ipynb|data/[\w.]+\.csv", name)
    return name if shown else None


def relinked(text, page, address=ADDRESS):
    """The text of a page with each link that Sphinx cannot follow made one that a browser can."""

    def replaced(link):
        words = link[1]
        anchor = link[3] or ""
        target = (page.parent / link[2]).resolve()
        made_here = target.suffix in (".html", ".pdf") and target.parent == ROOT / "docs"
        ours = target.is_relative_to(ROOT) and (made_here or target.exists())
        if "://" in link[2] or not ours:
            return link[0]
        name = staged_name(target)
        if name is None:
            there = f"{address}/blob/main/{target.relative_to(ROOT).as_posix()}"
            return f"[{words}]({there})" if address else words
        here = os.path.relpath(name, Path(staged_name(page)).parent).replace(os.sep, "/")
        if not made_here:
            return f"[{words}]({here}{anchor.lower()})"  # JupyterLab writes #Its-heading
        words = re.sub(r"!\[([^\]]*)\]\(([^)]*)\)", r'<img alt="\1" src="\2">', words)
        words = re.sub(r"[*]{2}(.*)[*]{2}", r"<strong>\1</strong>", words)
        return f'<a href="{here}{anchor}">{words}</a>'

    return LINK.sub(replaced, text)


def folded(exercise, solution):
    """The exercise's cells, each check followed by a solution and its check's answer, folded."""
    cells = []
    held = None
    for asked, solved in zip(exercise, solution, strict=True):
        cells.append(asked)
        if "solution" in solved["metadata"].get("tags", []):
            held = solved
        elif held and solved["cell_type"] == "code":
            name = f"{held['id']}-solution"
            cells.append(held | {"id": name, "metadata": FOLD, "outputs": solved["outputs"]})
            held = None
    return cells


def unspoiled(cells):
    """A lesson's cells, their answers folded: outputs below a prompt, up to the next words.

    A program that the notebook folds is folded here too, and its fold says what is in it.
    """
    asked = False
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            asked = bool(ASKED.search(source))
            continue
        tags = cell["metadata"].setdefault("tags", [])
        folds = cell["metadata"].setdefault("mystnb", {})
        if "hide-input" in tags:
            folds |= SEE_CHECK if "claim" in source else SEE_CODE
        if asked and cell["outputs"]:
            tags.append("hide-output")
            folds |= CAME_OUT
    return cells


def live(output):
    """A stored output; an explorer's sentence becomes the explorer, in a frame without a kernel."""
    said = "".join(output.get("data", {}).get("text/plain", ""))
    for name, height in HEIGHTS.items():
        if said.startswith(SENTENCES[name]):
            state = said.partition(" At ")[2].removesuffix(".").replace("&", "&amp;")
            page = "playground" if name == "playground" else "explorers"
            address = f"../docs/{page}.html#only=yes&amp;explorer={name}&amp;{state}"
            title = SENTENCES[name].replace(", in JupyterLab,", "").replace(" in JupyterLab", "")
            frame = f'<iframe class="live" loading="lazy" src="{address}" title="{title}" '
            style = f'style="height: {height}px"></iframe>'
            return output | {"data": {"text/html": frame + style}}
    return output


def staged_notebook(path):
    notebook = json.loads(read(path))
    if path.parent.name == "exercises":
        solved = json.loads(read(ROOT / "notebooks" / "solutions" / path.name))
        notebook["cells"] = folded(notebook["cells"], solved["cells"])
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = relinked("".join(cell["source"]), path)
        elif path.parent.name == "notebooks":
            cell["outputs"] = [live(output) for output in cell["outputs"]]
    if path.parent.name == "notebooks":
        notebook["cells"] = unspoiled(notebook["cells"])
    return json.dumps(notebook)


def stage():
    """A copy of what Sphinx reads, in the repository's own order of folders."""
    shutil.rmtree(WORK, ignore_errors=True)
    shutil.copytree(ROOT / "docs" / "site" / "_static", STAGE / "_static")
    (STAGE / "_static" / "mathjax").mkdir()
    mathjax = fetch_npm("mathjax", "3.2.2", "es5/tex-svg.js", MATHJAX_SHA256)
    shutil.copy(mathjax, STAGE / "_static" / "mathjax")
    texts = {"index.md": relinked(read(ROOT / "docs/site/index.md"), ROOT / "README.md")}
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        texts[path.relative_to(ROOT).as_posix()] = relinked(read(path), path)
    for path in (ROOT / "notebooks").rglob("[01]*.ipynb"):
        if path.parent.name != "solutions":
            texts[path.relative_to(ROOT).as_posix()] = staged_notebook(path)
    for room in ROOMS.findall(read(ROOT / "vaehelpers" / "__init__.py")):
        exported = "   :imported-members:\n" if (ROOT / "vaehelpers" / room).is_dir() else ""
        directive = f".. automodule:: vaehelpers.{room}\n   :members:\n{exported}"
        texts[f"api/{room}.md"] = f"# {room}\n\n```{{eval-rst}}\n{directive}```\n"
    for name, text in texts.items():
        (STAGE / name).parent.mkdir(parents=True, exist_ok=True)
        (STAGE / name).write_text(text, encoding="utf-8")
    for path in (*(ROOT / "docs").glob("*.png"), *(ROOT / "data").glob("*.csv")):
        (STAGE / path.relative_to(ROOT)).parent.mkdir(exist_ok=True)
        shutil.copy(path, STAGE / path.relative_to(ROOT))


def replace(path, old, new):
    text = read(path)
    if old not in text:
        raise RuntimeError(f"{path.name} no longer holds {old!r}")
    path.write_text(text.replace(old, new), encoding="utf-8")


def finish():
    """Cures of Sphinx's pages, pages that stand alone, paper, and no Jekyll on GitHub's pages."""
    search = SITE / "_static" / "searchtools.js"
    replace(search, r" || queryTerm.match(/^\d+$/)", "")  # 784 is a word
    for path in (SITE / "notebooks").rglob("*.html"):
        if "<summary" in read(path):
            replace(path, ' aria-label="Toggle hidden content"', "")  # it would hide the text shown
    (SITE / ".nojekyll").touch()
    (SITE / "docs").mkdir(exist_ok=True)
    for path in (*(ROOT / "docs").glob("*.html"), ROOT / "docs" / "playground.png"):
        shutil.copy(path, SITE / "docs")
    (SITE / "docs" / "explorers.html").write_text(explorers_page(), encoding="utf-8")
    print_sheet(SITE / "docs" / "cheat_sheet.html", SITE / "docs" / "cheat_sheet.pdf")


def print_sheet(page, target):
    """The cheat sheet as PDF; its own style says the size, in millimetres."""
    from playwright.sync_api import sync_playwright

    sys.path.insert(0, str(ROOT / "tests" / "browser"))
    from jupyterlab import FLAGS, find_chromium

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        sheet = browser.new_page()
        sheet.goto(page.as_uri())
        sheet.pdf(path=target, prefer_css_page_size=True, print_background=True, tagged=True)
        browser.close()


if __name__ == "__main__":
    start = time.monotonic()
    try:
        stage()
    except RuntimeError as error:  # MathJax is fetched once, and only then a network is needed
        sys.exit(f"make site: {error}")
    sphinx = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-d", WORK / "doctrees"]
    done = subprocess.run([*sphinx, "-c", ROOT / "docs" / "site", STAGE, WORK / "html"])
    if done.returncode != 0:
        sys.exit(done.returncode)
    shutil.rmtree(SITE, ignore_errors=True)
    (WORK / "html").rename(SITE)
    finish()
    print(f"_site is built, in {time.monotonic() - start:.0f} s")
