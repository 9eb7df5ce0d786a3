"""The explorers' JavaScript: a module and what it imports, joined into one text without imports."""

import re
from pathlib import Path

HERE = Path(__file__).parent
IMPORT = re.compile(r'(?ms)^import \{[^}]*\} from "\./([^"]*)";\n')


def needed_by(name, found=()):
    """The files that a module needs, each behind those that it imports, itself last."""
    for below in IMPORT.findall((HERE / name).read_text(encoding="utf-8")):
        found = found if below in found else needed_by(below, found)
    return found if name in found else (*found, name)


def classic_script(*names):
    """Modules as one classic script, which a page may run from a file: without imports and exports."""
    files = []
    for name in names:
        files += [one for one in needed_by(name) if one not in files]
    source = "\n".join(IMPORT.sub("", (HERE / name).read_text(encoding="utf-8")) for name in files)
    return re.sub(r"(?m)^export ", "", source)


def widget_module(name, mount):
    """An explorer as the one module that anywidget takes."""
    return f"{classic_script(name)}\nconst mount = {mount};\n{classic_script('widget.js')}\nexport default {{ render }};\n"


def styles():
    return (HERE / "explorers.css").read_text(encoding="utf-8")
