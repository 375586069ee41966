"""The HIT page in front of a scripted door: how tests open it, see it and answer."""

from tests.browser.door import Door, choice

WIDE = {"width": 1280, "height": 800}


def texts(count=6):
    return [choice(f"Review number {no}") for no in range(count)]


def start(page, door, size=WIDE, **script):
    door.now = Door(**{"hits": texts(), "guide": "", **script})
    page.set_viewport_size(size)
    page.goto(f"{door.url}/work/J7")
    return door.now


def shown(page):
    return page.locator(".hit-work:not([hidden])")


def sees(page, words):
    shown(page).get_by_text(words, exact=True).wait_for()


def prefetched(page, count=1):
    page.wait_for_function(
        "n => document.querySelectorAll('.hit-work[hidden]:not([data-held]) fieldset').length >= n", arg=count
    )


def answer(page, key="1"):
    prefetched(page)
    page.keyboard.press(key)
    page.keyboard.press("Enter")


def until(page, door_says):
    """Let the page work until the door says so; the page's own time limit holds."""
    for _ in range(300):
        if door_says():
            return
        page.wait_for_function("() => new Promise(done => setTimeout(() => done(true), 50))")
    raise AssertionError("the door never saw it")
