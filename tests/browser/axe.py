"""axe-core, which names what a keyboard or a screen reader could not use."""

from fetch_npm import fetch_npm

VERSION, SHA256 = "4.14.1", "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"


def axe_source():
    return fetch_npm("axe-core", VERSION, "axe.min.js", SHA256).read_text(encoding="utf-8")
