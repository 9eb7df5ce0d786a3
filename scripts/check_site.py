"""Reads the built site as a browser would: links, anchors, ids, alternative texts, addresses.

Usage: python scripts/check_site.py     (exits with 1 where something is wrong)
"""

import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

SITE = Path(__file__).resolve().parent.parent / "_site"
OWN_BYTES = 1_000_000  # of one page with its pictures; what all pages share is counted once
WHOLE = {"explorers.html": 5_000_000}  # networks and digits inside


class Page(HTMLParser):
    """What a page holds: ids, links, sources of what it shows, pictures without a text."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.ids = []
        self.links = []
        self.sources = []
        self.textless = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        has = dict(attributes)
        if "id" in has:
            self.ids.append(has["id"])
        if tag == "a" and has.get("href"):
            self.links.append(has["href"])
        shown = has.get("src") or (has.get("href") if tag == "link" else None)
        if shown and not shown.startswith("data:"):
            self.sources.append(shown)
        if tag == "img" and (not has.get("alt") or Path(shown or "").name in has["alt"]):
            self.textless.append(shown)


def target_of(page, link):
    """The file that a link leads to, and its anchor."""
    parts = urlsplit(link)
    file = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
    return file, unquote(parts.fragment)


def is_outside(link):
    return bool(urlsplit(link).scheme or link.startswith("//"))


def read(site):
    """All pages by path; `_static` has the theme's templates, which are none."""
    paths = [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]
    return {path.resolve(): Page(path.resolve()) for path in paths}


def faults(site):
    """What is wrong, one sentence each."""
    pages = read(site)
    found = [(path, what) for path, page in pages.items() for what in faults_of(page, pages)]
    return [f"{path.relative_to(site.resolve())}: {what}" for path, what in found]


def faults_of(page, pages):
    for name, count in Counter(page.ids).items():
        if count > 1:
            yield f"id {name} stands twice"
    for source in page.sources:
        if is_outside(source):
            yield f"{source} is shown from outside"
    for source in page.textless:
        yield f"{source} has no alternative text"
    for link in {link for link in (*page.links, *page.sources) if not is_outside(link)}:
        file, anchor = target_of(page, link)
        if not file.is_file():
            yield f"{link} leads nowhere"
        elif anchor and "=" not in anchor and file in pages and anchor not in pages[file].ids:
            yield f"{link} has no such anchor"  # a=b is a state
    if own_bytes(page) > WHOLE.get(page.path.name, OWN_BYTES):
        yield f"{own_bytes(page):,} bytes are its own"


def own_bytes(page):
    """Of a page and of the pictures that it alone shows."""
    pictures = {target_of(page, source)[0] for source in page.sources if "_images" in source}
    return sum(file.stat().st_size for file in (page.path, *pictures) if file.is_file())


if __name__ == "__main__":
    pages, wrong = read(SITE), faults(SITE)
    links = sum(not is_outside(link) for page in pages.values() for link in page.links)
    total = sum(file.stat().st_size for file in SITE.rglob("*") if file.is_file()) / 1e6
    print(f"{len(pages)} pages, {total:.1f} MB; {links:,} links inside, {len(wrong)} faults")
    print("\n".join(wrong))
    sys.exit(bool(wrong))
