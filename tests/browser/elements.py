"""What the tests of the crowd elements share."""

from axe_playwright_python.sync_playwright import Axe


def got(page):
    """The answers that were submitted."""
    return page.evaluate("got")


def submitted(page):
    """Submit, and the one answer that comes of it."""
    page.get_by_role("button", name="Submit", exact=True).click()
    return got(page)[-1]


def axe(page):
    """No violation of the accessibility rules, in light and in dark."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished.catch(() => null)))")
        found = Axe().run(page)
        assert found.violations_count == 0, f"{scheme}: {found.generate_report()}"


def fits(page):
    """Nothing makes the page scroll sideways."""
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")
