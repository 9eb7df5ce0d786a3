"""Sphinx builds the site from a staged copy: `make site` (scripts/make_site.py)."""

import inspect
import os
import sys
import tomllib
from pathlib import Path

from sphinx.search.en import SearchEnglish

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("KERAS_BACKEND", "numpy")  # docstrings are read without TensorFlow
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ADDRESS = PROJECT.get("urls", {}).get("Repository", "")

project = "The loss of a variational autoencoder"
author = PROJECT["authors"][0]["name"]
version = PROJECT["version"]
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
templates_path = [str(ROOT / "docs" / "site" / "_templates")]
exclude_patterns = ["README.md"]
suppress_warnings = ["myst.xref_missing"]  # anchors written in HTML, which check_site.py follows

nb_execution_mode = "off"
nb_ipywidgets_js = {}  # no page holds a widget's state
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3
mathjax_path = "mathjax/tex-svg.js"  # as SVG: Firefox opens no fonts from file://
default_role = "literal"
smartquotes = False  # --image-shape stays what a terminal takes
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False  # what Keras says of its own methods

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = [str(ROOT / ".site" / "source" / "_static")]
html_css_files = ["site.css"]
html_copy_source = False
html_show_search_summary = False  # summaries are fetched, which a browser refuses on file://
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navbar_persistent": [],
    "navigation_with_keys": False,  # arrow keys belong to the explorers
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_navbar_depth": 1,
    **({"repository_url": ADDRESS, "use_repository_button": True} if ADDRESS else {}),
}


class EnglishAndNumbers(SearchEnglish):
    """The index of words, with numbers of three digits: who searches for 784 finds it."""

    def word_filter(self, word):
        return (word.isdigit() and len(word) == 3) or super().word_filter(word)


def own_arguments(*event):
    """A Keras layer's arguments are those of its `__init__`; Sphinx reads Keras's `__new__`."""
    _, what, _, thing, _, signature, _ = event
    if what == "class" and signature == "(*args, **kwargs)":
        parameters = list(inspect.signature(thing.__init__).parameters.values())[1:]
        return str(inspect.Signature(parameters)), None


def setup(app):
    app.add_search_language(EnglishAndNumbers)
    app.connect("autodoc-process-signature", own_arguments)
