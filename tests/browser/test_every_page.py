"""Every page of a filled installation, as axe, a narrow window, the console and the network see it."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.filled import Filled
from tests.conftest import migrated

# What is no page of its own: files, data for scripts, pieces of pages that are there already, ways to other pages.
NO_PAGES = {
    "admin.errands_live",
    "batches.file",
    "buckets.file",
    "external.elements",
    "external.external_submit",
    "external.functions",
    "frames.row",
    "frames.specimen",
    "frames.state",
    "frames.turn",
    "guides.news",
    "media.file",
    "requester.live",
    "results.download",
    "results.fetch",
    "results.shelf",
    "static.favicon",
    "static.file",
    "static.health",
    "uploads.faults_file",
    "uploads.progress",
    "worker.next_job",
}
LOOKS = [(1280, 900, "light"), (390, 844, "dark")]
SMALLEST = {"width": 320, "height": 640}
TABBED = ("session.login", "worker.home", "requester.overview", "results.table", "wizard.task", "admin.workers")
FRAMED = "requester.preview"
# The guide of a HIT undocks by script when the window gets narrow, some frames after it did.
OVERFLOW = """async () => {
  const page = document.documentElement;
  const wide = () => page.scrollWidth - page.clientWidth;
  for (let frames = 0; frames < 120 && wide() > 0; frames++) await new Promise(requestAnimationFrame);
  return wide();
}"""
FOCUS = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  return one === document.body ? "" : `${one.tagName} ${style.outlineStyle} ${style.boxShadow}`;
}"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("filled")
    with Filled(migrated(f"sqlite:///{folder / 'broker.sqlite3'}"), folder).served() as served:
        yield served


class Look:
    """One window on the installation; gathers what is wrong on the pages it opens."""

    def __init__(self, browser, filled, size, scheme="light"):
        width, height = size
        self.browser, self.filled, self.faults = browser, filled, []
        self.options = {
            "viewport": {"width": width, "height": height},
            "color_scheme": scheme,
            "base_url": filled.url,
            "reduced_motion": "reduce",
        }

    def over(self, check, chosen=None):
        """Open the pages as the person they are for, and check them; what was found, with the page's address."""
        pages = {}
        for endpoint, (who, paths) in self.filled.pages().items():
            if chosen is None or endpoint in chosen:
                if who not in pages:
                    pages[who] = self._enter(who)
                self._visit(pages[who], endpoint, paths, check)
        for page in pages.values():
            page.context.close()
        return self.faults

    def _enter(self, who):
        context = self.browser.new_context(**self.options)
        if who:
            context.add_cookies([self.filled.cookie(who)])
        page = context.new_page()
        self._listen(page)
        return page

    def _visit(self, page, endpoint, paths, check):
        for path in paths:
            self.here = f"{endpoint} {path}"
            page.set_viewport_size(self.options["viewport"])
            page.goto(path)
            for fault in check(endpoint, page):
                self.note(fault)

    def note(self, fault):
        self.faults.append(f"{self.here}: {fault}")

    def _listen(self, page):
        # A broken content security policy is told in the console too.
        page.on("console", lambda one: self.note(one.text) if one.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self.note(str(error)))
        page.on("request", lambda one: None if one.url.startswith(self._ours()) else self.note(f"asks {one.url}"))

    def _ours(self):
        return (self.filled.url, "data:", "blob:")


def sound(endpoint, page):
    """What axe has to say, whether the page is wider than its window, and its outline.

    Frames without an origin are looked at in test_pages.py: axe's messages to them are errors in the console.
    """
    for one in Axe().run(page, options={"iframes": False}).response["violations"]:
        yield f"axe: {one['id']}: {one['nodes'][0]['html'][:200]}"
    for size in (page.viewport_size, SMALLEST):
        page.set_viewport_size(size)
        if (pixels := page.evaluate(OVERFLOW)) > 0:
            yield f"{pixels} pixels too wide for {size['width']}"
    for name in ("h1", "main"):
        if endpoint != FRAMED and (count := page.locator(name).count()) != 1:
            yield f"{count} {name}"


def test_every_page_is_looked_at_here(filled):
    rules = filled.requester.client.application.url_map.iter_rules()
    assert {rule.endpoint for rule in rules if "GET" in rule.methods} - NO_PAGES == set(filled.pages())


@pytest.mark.parametrize(("width", "height", "scheme"), LOOKS)
def test_every_page_is_sound(browser, filled, width, height, scheme):
    assert Look(browser, filled, (width, height), scheme).over(sound) == []


def test_the_tab_key_shows_where_it_is(browser, filled):
    def tabbed(_, page):
        for _ in range(6):
            page.keyboard.press("Tab")
            found = page.evaluate(FOCUS)
            if not found or ("none none" in found):
                yield f"focus is not to be seen on {found or 'nothing'}"

    assert Look(browser, filled, (1280, 900)).over(tabbed, TABBED) == []
