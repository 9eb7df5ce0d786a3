"""One page that needs nothing else: the playground's script, its digits, what is known of them."""

import base64
import functools
import json
import re

import numpy as np

from vaehelpers.collapse import collapse_at, collapse_threshold, no_code_pays_above
from vaehelpers.collapse.no_code import rounded_up
from vaehelpers.data import load_mnist
from vaehelpers.explorers.scripts import classic_script, source

COUNT, PLANE, LEVELS = 1500, 150, 15
SHOWN_DIGITS = 3  # of a weight, as the scripts write it
LIKELIHOODS = {"bernoulli": "bernoulli", "squared": "gaussian"}  # by the error that a page offers
ANSWERS = tuple(collapse_at(beta, threshold=1, no_code_above=3) for beta in (0, 2, 4))


def packed(images):
    """Grey levels of 4 bits, two pixels a byte, as base64."""
    levels = np.round(LEVELS * images.reshape(-1)).astype("uint8")
    return base64.b64encode(16 * levels[::2] + levels[1::2]).decode()


@functools.cache
def _thresholds(likelihood):
    """Where collapse is stable and where no code pays, on exactly the page's digits, rounded up."""
    images = np.round(LEVELS * load_mnist().x_train[:COUNT]) / LEVELS
    threshold = collapse_threshold(images, likelihood)
    found = threshold, no_code_pays_above(images, likelihood, threshold=threshold)
    return tuple(rounded_up(beta, SHOWN_DIGITS) for beta in found)


def page_data():
    """The digits of the page, rounded to 16 grey levels, and their thresholds."""
    digits = load_mnist()
    return {
        "images": packed(digits.x_train[:COUNT]),
        "count": COUNT,
        "tests": packed(digits.x_test[:10]),
        "testCount": 10,
        "labels": digits.y_train[:PLANE].tolist(),
        "thresholds": {
            error: dict(zip(("local", "noCode"), _thresholds(name), strict=True))
            for error, name in LIKELIHOODS.items()
        },
        "answers": ANSWERS,
        "seed": 0,
    }


def playground_page() -> str:
    """The playground as the text of one HTML page.

    Example:
        >>> page = playground_page()
        >>> page.startswith("<!doctype html>"), len(page) < 2_500_000
        (True, True)
    """
    local, no_code = (f"{beta:g}" for beta in _thresholds("bernoulli"))
    said = {"COUNT": f"{COUNT:,}", "LOCAL": local, "NOCODE": no_code}
    return filled("page.html", classic_script("playground.js"), page_data(), **said)


def filled(template, script, data, **said):
    """A page with style, script and data; each name in the template stands there once."""
    page = source(template)
    said |= {"STYLE": source("explorers.css"), "SCRIPT": script, "DATA": json.dumps(data)}
    for name, text in said.items():
        page = re.sub(rf"\b{name}\b", lambda _, text=text: text, page, count=1)
    return page
