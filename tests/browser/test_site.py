"""The built site in a browser, from file://: offline, no error, axe, search, a phone's width.

    make site-test            ten pages
    make site-test ALL=yes    all pages

Screenshots are kept in tests/browser/shots.
"""

import os

import check_site
import firefox
import jupyterlab
import pytest
from axe import axe_source
from playwright.sync_api import sync_playwright

SITE = check_site.SITE
SHOTS = jupyterlab.ROOT / "tests" / "browser" / "shots"
TEN = [
    "index",
    "search",
    "docs/symptoms",
    "docs/cheat_sheet",
    "docs/explorers",
    "api/losses",
    "notebooks/06_collapse",
]
TEN += [
    "notebooks/00_the_question",
    "notebooks/exercises/04_why_28x28",
    "notebooks/deeper/03_keras_by_hand",
]
ALL = [
    path.relative_to(SITE.resolve()).with_suffix("").as_posix() for path in check_site.read(SITE)
]
TERMS = {
    "collapse": "06 Collapse",
    "784": "04 Why 28 x 28",
    "reduction": "04 Why 28 x 28",
    "annealing": "From symptom to cause",
    "ELBO": "02 The ELBO",
    "audit": "Which beta does my loss train?",
    "KerasTensor": "Keras by hand",
    "dequantise": "Glossary",
    "disentanglement": "07 Beta",
    "gaussian_kl_per_dim": "losses",
}
ANIMATED = """Promise.allSettled(
    document.getAnimations()
      .filter((one) => one.effect.getComputedTiming().endTime < 1e5)
      .map((one) => one.finished)
).then(() => null)"""  # what a folded block fades in from is no colour of the page
MODES = {
    "light": {"color_scheme": "light", "viewport": {"width": 1300, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1300, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}


@pytest.fixture(scope="module")
def browser():
    SHOTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=jupyterlab.find_chromium(), args=jupyterlab.FLAGS
        )


def opened(browser, name, mode="light", query=""):
    """A page of the site, with its mathematics set, and what went wrong on it."""
    page, seen = jupyterlab.watched_page(
        browser.new_context(**MODES[mode]), SITE.resolve().as_uri()
    )
    page.goto((SITE.resolve() / f"{name}.html").as_uri() + query)
    page.wait_for_load_state("networkidle")
    page.evaluate("window.MathJax?.startup?.promise")
    return page, seen


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ALL if os.environ.get("ALL") else TEN)
def test_a_page(browser, name, mode):
    page, seen = opened(browser, name, mode)
    shot = SHOTS / f"site_{name.replace('/', '_')}_{mode}.png"
    page.screenshot(path=shot)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.evaluate(ANIMATED)
    page.evaluate(axe_source())
    violations = page.evaluate("axe.run({ preload: false }).then((result) => result.violations)")
    bad = [
        (v["id"], v["nodes"][0]["html"])
        for v in violations
        if v["impact"] in ("serious", "critical")
    ]
    wider = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    page.context.close()
    assert bad == [] and seen == {"requests": [], "errors": []}
    assert wider <= 0, f"{wider} px are beyond the edge"


@pytest.mark.parametrize("term", TERMS)
def test_the_search_finds(browser, term):
    page, seen = opened(browser, "search", query=f"?q={term}")
    page.wait_for_selector("#search-results li a")
    page.wait_for_function("/finished/.test(document.querySelector('#search-results').innerText)")
    titles = page.locator("#search-results li a").all_inner_texts()
    page.screenshot(path=SHOTS / f"site_search_for_{term}.png")
    page.context.close()
    assert any(TERMS[term] in title for title in titles), titles
    assert seen == {"requests": [], "errors": []}


@pytest.mark.parametrize(
    "lesson", ["00_the_question", "03_a_vae_in_keras", "04_why_28x28", "07_beta"]
)
def test_an_explorer_is_live_in_its_lesson(browser, lesson):
    page, seen = opened(browser, f"notebooks/{lesson}")
    frame = page.locator("iframe.live")
    frame.scroll_into_view_if_needed()
    inner = page.frame_locator("iframe.live")
    said = inner.locator(".vae-explorer p:not(.cure)")
    said.first.wait_for()
    before = said.all_inner_texts()
    inner.locator("select, input[type=range], button.start").first.focus()
    page.keyboard.press("Enter" if lesson.startswith("00") else "ArrowDown")
    page.wait_for_timeout(1000)
    frame.screenshot(path=SHOTS / f"site_live_{lesson}.png")
    after = said.all_inner_texts()
    page.context.close()
    assert len(before) > 0 and after != before
    assert seen == {"requests": [], "errors": []}


@pytest.mark.skipif(firefox.find_firefox() is None, reason="Firefox is not installed (FIREFOX=...)")
def test_pages_in_firefox():
    with firefox.opened(SITE.resolve().as_uri()) as page:
        for name in TEN:
            page.goto((SITE.resolve() / f"{name}.html").as_uri())
            assert page.evaluate("document.querySelector('h1') !== null"), name
            page.screenshot(SHOTS / f"site_{name.replace('/', '_')}_firefox.png")
        page.goto((SITE.resolve() / "search.html").as_uri() + "?q=784")
        found = "/04 Why 28/.test(document.querySelector('#search-results').innerText)"
        look = (
            f"(go) => {{ const look = () => {found} ? go(true) : setTimeout(look, 100); look(); }}"
        )
        assert page.evaluate(f"new Promise({look})")
        assert page.seen == {"requests": [], "errors": []}


def test_a_solution_is_opened_by_the_keyboard(browser):
    page, _ = opened(browser, "notebooks/exercises/04_why_28x28")
    first = page.locator("details").first
    solution = first.locator("pre").first
    assert not solution.is_visible() and page.locator("details").count() == 3
    first.locator("summary").focus()
    page.keyboard.press("Enter")
    assert solution.is_visible() and "right" in first.inner_text()
    page.screenshot(path=SHOTS / "site_solution_open.png", full_page=True)
    page.context.close()
