"""The scripted door of the HIT page, and a page on which crowd elements stand alone, as on a requester's own."""

from types import SimpleNamespace

import pytest

from tests.browser.door import Door, application, serving

LISTEN = """() => {
  globalThis.got = [];
  document.addEventListener('crowd-submit', (event) => got.push(event.detail.answer));
}"""
# Elements that are only marks for the one around them are never defined.
READY = """() => customElements.get('crowd-form') && ![...document.querySelectorAll('main :not(:defined)')].some(
  (one) => /^(crowd|broker)-|-instructions$|-target$/u.test(one.localName)
    && !['crowd-tab', 'detailed-instructions'].includes(one.localName))"""


@pytest.fixture(scope="session")
def door():
    """The served door; each test sets `door.now`."""
    holder = SimpleNamespace(now=None, url="")
    with serving(application(holder)) as url:
        holder.url = url
        yield holder


@pytest.fixture
def errors(page):
    """What went wrong in the page; a test that expects nothing asserts that it is empty."""
    found = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda message: message.type == "error" and found.append(message.text))
    return found


@pytest.fixture
def show(page, door):
    """Show some HTML made of crowd elements; afterwards, no script has failed and no policy was broken."""
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: "Content Security Policy" in message.text and errors.append(message.text))

    def go(html):
        door.now = Door(hits=[html])
        page.goto(f"{door.url}/elements")
        page.wait_for_function(READY)
        page.evaluate(LISTEN)
        return page

    yield go
    assert errors == []


@pytest.fixture
def phone(page, show):
    """The same on a touch screen 390 pixels wide."""
    context = page.context.browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    yield lambda html: on_phone(context, page, show, html)
    context.close()


def on_phone(context, page, show, html):
    url = show(html).url
    other = context.new_page()
    other.goto(url)
    other.wait_for_function(READY)
    other.evaluate(LISTEN)
    return other
