"""The explorers' JavaScript: a module and what it imports, joined into one text without imports."""

import re
from pathlib import Path

HERE = Path(__file__).parent
IMPORT = re.compile(r'(?ms)^import \{[^}]*\} from "\./([^"]*)";\n')


def source(name):
    return (HERE / name).read_text(encoding="utf-8")


def needed_by(names):
    """The files that modules need, each behind those that it imports."""
    found = []
    for name in names:
        below = needed_by(IMPORT.findall(source(name)))
        found += [file for file in [*below, name] if file not in found]
    return found


def classic_script(*names):
    """Modules as one script that a page may run from a file: without imports and exports."""
    joined = "\n".join(IMPORT.sub("", source(name)) for name in needed_by(names))
    return re.sub(r"(?m)^export ", "", joined)


def widget_module(name, mount):
    """An explorer as the one module that anywidget takes."""
    ending = f"{classic_script('widget.js')}\nexport default {{ render }};\n"
    return f"{classic_script(name)}\nconst mount = {mount};\n{ending}"
