"""One page that needs nothing else: the playground's script, its digits, and what the package knows of these digits."""

import base64
import functools
import json
import re

import numpy as np

from vaehelpers.collapse import collapse_at, collapse_threshold, no_code_pays_above
from vaehelpers.data import load_mnist
from vaehelpers.explorers.scripts import HERE, classic_script, styles

COUNT, PLANE, LEVELS = 1500, 150, 15


def packed(images):
    """Grey levels of 4 bits, two pixels a byte, as base64."""
    levels = np.round(LEVELS * images.reshape(-1)).astype("uint8")
    return base64.b64encode(16 * levels[::2] + levels[1::2]).decode()


@functools.cache
def page_data():
    """The digits of the page, rounded to 16 grey levels, and the thresholds of exactly these."""
    digits = load_mnist()
    images = np.round(LEVELS * digits.x_train[:COUNT]) / LEVELS
    thresholds = {
        name: {
            "local": collapse_threshold(images, likelihood),
            "noCode": no_code_pays_above(images, likelihood),
        }
        for name, likelihood in (("bernoulli", "bernoulli"), ("squared", "gaussian"))
    }
    thresholds = {
        name: {key: float(f"{value:.4g}") for key, value in pair.items()}
        for name, pair in thresholds.items()
    }
    return {
        "images": packed(images),
        "count": COUNT,
        "tests": packed(digits.x_test[:10]),
        "testCount": 10,
        "labels": [int(label) for label in digits.y_train[:PLANE]],
        "thresholds": thresholds,
        "answers": [collapse_at(beta, threshold=1, no_code_above=3) for beta in (0, 2, 4)],
        "seed": 0,
    }


def playground_page():
    """The playground as the text of one HTML page.

    Example:
        >>> page = playground_page()
        >>> page.startswith("<!doctype html>"), len(page) < 2_500_000
        (True, True)
    """
    data = page_data()
    weights = data["thresholds"]["bernoulli"]
    said = {
        "COUNT": f"{COUNT:,}",
        "LOCAL": f"{weights['local']:.0f}",
        "NOCODE": f"{weights['noCode']:.0f}",
    }
    return filled("page.html", classic_script("playground.js"), data, said)


def filled(template, script, data, said=()):
    """A page with its style, script and data; each name in the template stands once and is replaced once."""
    page = (HERE / template).read_text(encoding="utf-8")
    for name, text in {
        **dict(said),
        "STYLE": styles(),
        "SCRIPT": script,
        "DATA": json.dumps(data),
    }.items():
        page = re.sub(rf"\b{name}\b", lambda _, text=text: text, page, count=1)
    return page
