"""Writes docs/playground.html: the playground as one page, to be opened by a double click."""

from execute_notebooks import ROOT

from vaehelpers.explorers import playground_page

if __name__ == "__main__":
    (ROOT / "docs" / "playground.html").write_text(playground_page(), encoding="utf-8")
