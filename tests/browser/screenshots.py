"""`make screenshots`: a picture of each main page, and of a HIT of every kind, into docs/screenshots."""

import io
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser.chromium import FLAGS, chromium
from tests.browser.filled import Filled
from tests.browser.kinds import JOBS, Hand
from tests.browser.kinds_site import every_kind, hit
from tests.conftest import migrated

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 800}
LEFT_OUT = {"requester.preview", "requester.new", "uploads.faults", "session.signup"}
FACES = {
    "session.landing",
    "worker.home",
    "worker.hit",
    "wizard.task",
    "requester.overview",
    "results.table",
    "admin.workers",
}


def shots(filled):
    """What is taken: name, who looks, address, size, scheme."""
    for endpoint, (who, paths) in filled.pages().items():
        if endpoint in LEFT_OUT:
            continue
        yield endpoint, who, paths[0], DESKTOP, "light"
        if endpoint in FACES:
            yield f"{endpoint}-dark", who, paths[0], DESKTOP, "dark"
            yield f"{endpoint}-phone", who, paths[0], PHONE, "light"


def take(browser, filled, shot):
    """Write one picture."""
    name, who, path, size, scheme = shot
    context = browser.new_context(viewport=size, color_scheme=scheme, base_url=filled.url, reduced_motion="reduce")
    if who:
        context.add_cookies([filled.cookie(who)])
    page = context.new_page()
    page.goto(path, wait_until="networkidle")
    keep(page, name.replace(".", "-"))
    context.close()


def keep(page, name):
    """Write what the page shows."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(128, dither=Image.Dither.NONE).save(FOLDER / f"{name}.png", optimize=True)


def take_kinds(browser, folder):
    """Write a picture of a HIT of every kind, answered but not sent."""
    with every_kind(browser, folder, ("walt",)) as site:
        for job in JOBS:
            context = browser.new_context(viewport=DESKTOP, reduced_motion="reduce")
            page = hit(context, site, site.workers["walt"], job)
            page.wait_for_load_state("networkidle")
            job.point(Hand(page, finger=False))
            keep(page, f"kind-{job.offer}")
            context.close()


def main():
    """Fill an installation, and take all pictures of it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = chromium()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = Filled(migrated(f"sqlite:///{folder / 'broker.sqlite3'}"), folder, pictures=240, turns=100)
        with made.served() as filled, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
            for shot in shots(filled):
                take(browser, filled, shot)
            kinds = folder / "kinds"
            kinds.mkdir()
            take_kinds(browser, kinds)
            browser.close()


if __name__ == "__main__":
    main()
