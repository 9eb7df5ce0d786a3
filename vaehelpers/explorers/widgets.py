"""The explorers as widgets of JupyterLab: Python holds data and state, JavaScript draws."""

import functools

import anywidget
import traitlets

from vaehelpers.explorers.scripts import source, widget_module


class Explorer(anywidget.AnyWidget):
    """An explorer. `state` is a short text, such as "beta=1", that can be read and set meanwhile.

    Its `repr` is the sentence that a reader sees where no widget can be drawn.
    """

    _css = source("explorers.css")
    data = traitlets.Dict().tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)
    state = traitlets.Unicode().tag(sync=True)
    sentence = ""

    def __repr__(self):
        return f"{self.sentence} At {self.state}." if self.state else self.sentence


@functools.cache
def explorer_class(name, sentence):
    """The class of an explorer: `beta_explorer.js` exports `mountBetaExplorer`."""
    title = "".join(part.capitalize() for part in name.split("_"))
    module = widget_module(f"{name}.js", f"mount{title}")
    return type(title, (Explorer,), {"_esm": module, "sentence": sentence})
