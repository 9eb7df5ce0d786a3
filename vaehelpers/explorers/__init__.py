"""Explorers that run in a browser: the playground, a page in which two VAEs are trained."""

from vaehelpers.explorers.page import playground_page

__all__ = ["playground_page"]
