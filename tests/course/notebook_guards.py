"""What is wrong with a notebook of the course: rules that nbval does not enforce, and its holes.

nbval compares stored with fresh outputs, but: a cell without an execution count is run and not
compared; one tagged `raises-exception` passes when it raises nothing; `nbval-skip` and NBVAL_
comments switch cells off unseen.
"""

import re
import symtable
from collections import Counter

from count_words import claims_of, formulas_of, hidden
from make_exercises import CHECK, STUB

MAX_CELLS, MIN_CELLS = 45, 20
MAX_CELLS_OF_THE_CLINIC = 60  # lesson 10: seven cases and the messages
MAX_LINES, MAX_LINES_OF_A_MODEL, MAX_LINES_HIDDEN = 15, 25, 30
MAX_WIDTH, MAX_CLAIMS, MAX_FORMULAS = 80, 3, 1  # of a cell, where it is written for a first reading
MIN_MARKDOWN, MAX_MARKDOWN = 0.45, 0.8  # of the cells that are shown
MAX_IGNORED, MAX_IGNORED_SHARE = 4, 0.15
MAX_BYTES = 800_000
MIN_ALT, MAX_ALT = 40, 250
IGNORE = "nbval-ignore-output"
FORMULA = re.compile(r"(?s)(?:\A|(?<=\n\n))\$\$.+?\$\$(?=\n\n|\s*\Z)")
MACHINE = re.compile(
    r"(?:^|[\s'\"(])(/(?:home|root|tmp|usr|Users|work)/|[A-Z]:\\)| at 0x[0-9a-f]{6}"
)
HIDE = "hide-input"
TAGS = {IGNORE, HIDE, "readme-figure", "solution"}
VOLATILE = {"text/html", "image/svg+xml", "application/vnd.jupyter.widget-view+json"}


def text(part):
    return "".join(part)


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def tags(cell):
    return set(cell["metadata"].get("tags", []))


def problems(notebook, size=0, lesson=True, most_cells=MAX_CELLS, first_reading=False):
    """Every rule that a notebook (parsed JSON) breaks, as sentences; a lesson has proportions.

    One that is written for a first reading asks less of a cell: `first_reading`.
    """
    found = [*_metadata(notebook), *_prose(notebook)]
    if lesson:
        found += _proportions(notebook, most_cells)
    if first_reading:
        found += _steps(notebook)
    for number, cell in enumerate(code_cells(notebook), start=1):
        broken = [*_code_cell(cell, number), *_fold(cell)]
        broken += _figure(cell, _prose_below(notebook, cell))
        found += [f"code cell {number}: {problem}" for problem in broken]
    if size > MAX_BYTES:
        found.append(f"{size} bytes, at most {MAX_BYTES}")
    return found


def _metadata(notebook):
    kernel = notebook["metadata"].get("kernelspec", {}).get("name")
    if set(notebook["metadata"]) != {"kernelspec"} or kernel != "python3":
        yield "the notebook's metadata is not a kernelspec python3 alone"
    ids = Counter(cell.get("id") for cell in notebook["cells"])
    if None in ids or max(ids.values()) > 1:
        yield "cell ids are missing or not unique"
    allowed = {"code": {"tags", "mystnb", "jupyter"}, "markdown": {"tags"}}
    if any(set(cell["metadata"]) - allowed[cell["cell_type"]] for cell in notebook["cells"]):
        yield "a cell has metadata other than tags and, of code, a figure's words and a fold"


def _prose(notebook):
    prose = [text(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    titles = [line for cell in prose for line in cell.splitlines() if line.startswith("# ")]
    if len(titles) != 1 or not text(notebook["cells"][0]["source"]).startswith("# "):
        yield "there is not exactly one title, at the top"
    if any(re.search(r"!\[\s*\]\(|<img(?![^>]*\balt=\"[^\"]+\")", cell) for cell in prose):
        yield "an image has no alternative text"
    if any(len(FORMULA.findall(cell)) * 2 != cell.count("$$") for cell in prose):
        yield "a displayed formula has no empty lines around it: the site would show its dollars"


def _proportions(notebook, most_cells):
    cells, code = len(notebook["cells"]), code_cells(notebook)
    if not MIN_CELLS <= cells <= most_cells:
        yield f"{cells} cells, not {MIN_CELLS} to {most_cells}"
    folded = sum(hidden(cell) for cell in code)
    markdown = (cells - len(code)) / (cells - folded)
    if not MIN_MARKDOWN <= markdown <= MAX_MARKDOWN:
        yield f"{markdown:.0%} of the shown cells are Markdown, not 45 to 80 %"
    if sum(IGNORE in tags(cell) for cell in code) > MAX_IGNORED:
        yield f"more than {MAX_IGNORED} cells are ignored by nbval"


def _steps(notebook):
    """What is too much for one cell of a first reading."""
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "markdown" and formulas_of(cell) > MAX_FORMULAS:
            yield f"cell {number} displays {formulas_of(cell)} formulas, at most {MAX_FORMULAS}"
        if cell["cell_type"] == "code" and claims_of(cell) > MAX_CLAIMS:
            yield f"cell {number} makes {claims_of(cell)} claims, at most {MAX_CLAIMS}"
        if cell["cell_type"] == "code" and not hidden(cell):
            width = max(map(len, text(cell["source"]).splitlines()), default=0)
            if width > MAX_WIDTH:
                yield f"cell {number} has a line of {width} characters, at most {MAX_WIDTH}"


def _most_lines(cell):
    if hidden(cell):
        return MAX_LINES_HIDDEN
    return MAX_LINES_OF_A_MODEL if "(keras.Model)" in text(cell["source"]) else MAX_LINES


def _is_diagram(data):
    """Whether an output is the picture of a VAE, which is the same in every run."""
    if set(data) != {"image/svg+xml", "text/plain"}:
        return False
    said = text(data["text/plain"])
    return text(data["image/svg+xml"]).startswith("<svg") and said.startswith("A VAE")


def _fold(cell):
    if cell["metadata"].get("jupyter", {"source_hidden": True}) != {"source_hidden": True}:
        yield 'its metadata jupyter is not {"source_hidden": true}'
    if hidden(cell) != (HIDE in tags(cell)):
        yield f"it is folded here or on the site alone: source_hidden goes with the tag {HIDE}"


def _code_cell(cell, number):
    source = text(cell["source"])
    if cell["execution_count"] != number:
        yield f"its execution count is {cell['execution_count']}: not compared, or out of order"
    if tags(cell) - TAGS:
        yield f"tags {sorted(tags(cell) - TAGS)} are not allowed"
    if "NBVAL_" in source or "nbval-" in source:
        yield "a comment directs nbval: use a tag"
    if source.rstrip().endswith(";"):
        yield "it ends in a semicolon, which hides nothing under nbval: use plt.show()"
    lines = sum(bool(line.strip()) for line in source.splitlines())
    if not 1 <= lines <= _most_lines(cell):
        yield f"{lines} lines"
    for output in cell["outputs"]:
        if output["output_type"] == "error":
            yield "it ends in an error: catch it and print it"
        if output.get("name") == "stderr":
            yield "it writes to stderr"
        data = output.get("data", {})
        if VOLATILE & set(data) and not (IGNORE in tags(cell) or _is_diagram(data)):
            yield "an output of HTML, SVG or a widget is compared"
        shown = text(output.get("text", "")) + text(data.get("text/plain", ""))
        if MACHINE.search(shown):
            yield "an output holds a path or an address of this machine"


def _figure(cell, below):
    """What is wrong with the text that a screen reader says instead of a cell's figures."""
    form = cell["metadata"].get("mystnb")
    kinds = [kind for output in cell["outputs"] for kind in output.get("data", {})]
    drawn = any(kind.startswith("image/") for kind in kinds)
    if drawn and form is None:
        yield "a figure without an alternative text"
    if form is None:
        return
    if not drawn:
        yield "an alternative text without a figure"
    try:
        alt = form["image"]["alt"]
    except (KeyError, TypeError):
        alt = None
    if not isinstance(alt, str) or form != {"image": {"alt": alt}}:
        yield 'mystnb is not {"image": {"alt": "..."}} and nothing else'
        return
    length = len(" ".join(alt.split()))
    if not MIN_ALT <= length <= MAX_ALT:
        yield f"an alternative text of {length} characters, not {MIN_ALT} to {MAX_ALT}"
    if re.search(r"\.(png|jpe?g|gif|svg|webp|pdf)\b", alt, re.IGNORECASE):
        yield "its alternative text is a file name"
    if f" {_words(alt)} " in f" {_words(below)} ":
        yield "its alternative text repeats the caption: say what is seen"


def _words(prose):
    return " ".join(re.findall(r"\w+", prose.lower()))


def _prose_below(notebook, cell):
    """The next Markdown cell, which begins with a figure's caption; claims may stand in between."""
    rest = notebook["cells"][notebook["cells"].index(cell) + 1 :]
    return next((text(other["source"]) for other in rest if other["cell_type"] == "markdown"), "")


def open_problems(exercise, solution):
    """What could fail or print something else in an exercise, whose solution alone is executed.

    The cells that both share have run in the solution, where the answers were given. They run alike
    without one where they neither read nor bind what an answer binds.
    """
    answers = set()
    for cell in code_cells(solution):
        if "solution" in tags(cell):
            answers |= _global_names(cell, bound=True)
    for number, cell in enumerate(code_cells(exercise), start=1):
        for problem in _open_cell(text(cell["source"]), cell, answers):
            yield f"code cell {number}: {problem}"


def _open_cell(source, cell, answers):
    if source == STUB:
        return
    is_check = CHECK.fullmatch(source)
    used = _global_names(cell) & (answers - {"answer"} if is_check else answers)
    if "check_" in source and not is_check:
        yield "it is not just one call of a check, with the answer and names"
    elif used:
        yield f"it uses what an answer binds: {', '.join(sorted(used))}"


def _global_names(cell, bound=False):
    """The global names that a cell reads or binds, in its functions too; `bound`: only binds."""
    symbols = _globals(symtable.symtable(text(cell["source"]), "cell", "exec"))
    return {s.get_name() for s in symbols if not bound or s.is_assigned() or s.is_imported()}


def _globals(table):
    for symbol in table.get_symbols():
        if table.get_type() == "module" or symbol.is_global():
            yield symbol
    for inner in table.get_children():
        yield from _globals(inner)


def ignored_share(notebooks):
    """The share of all code cells whose outputs nbval ignores."""
    cells = [cell for notebook in notebooks for cell in code_cells(notebook)]
    return sum(IGNORE in tags(cell) for cell in cells) / len(cells)
