"""Guides and media in a real Chromium: what changed is told once; large images come in a copy that fits."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from broker.app import create_app
from tests.browser.door import serving
from tests.conftest import migrated
from tests.doors.requester import Visitor, broker_on
from tests.doors.test_guides import BETTER, GUIDE, add_picture, begin, save, work
from tests.formats.samples import packed
from tests.formats.test_images import file, photo

pytestmark = pytest.mark.browser
LOOKS = [((1280, 800), "light"), ((390, 844), "dark")]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """An installation that is served, its requester, and a worker who has begun a job."""
    folder = tmp_path_factory.mktemp("guides")
    broker = broker_on(migrated(f"sqlite:///{folder / 'broker.sqlite3'}"), folder, throttle=False)
    with serving(create_app(broker)) as url:
        yield broker, url
    broker.store.close()


@pytest.fixture
def ann(site):
    return Visitor(site[0], "requester", credit=100_000_000)


@pytest.fixture
def walt(site):
    return Visitor(site[0], "worker", "requester")


@pytest.fixture
def job(ann):
    found = ann.job()
    ann.upload(found, "data.csv", b"text\nLovely!\nNever again.\nFine.\nWell.\n")
    ann.described(found, guide=GUIDE)
    ann.post(f"{found}/check")
    return found


def window(browser, site, visitor, size=(1280, 800), scheme="light"):
    options = {"viewport": {"width": size[0], "height": size[1]}, "color_scheme": scheme, "reduced_motion": "reduce"}
    context = browser.new_context(base_url=site[1], **options)
    cookie = visitor.client.get_cookie("broker").value
    context.add_cookies([{"name": "broker", "value": cookie, "url": site[1]}])
    return context.new_page()


def sound(page):
    found = Axe().run(page).response["violations"]
    assert found == [], [(one["id"], one["nodes"][0]["html"]) for one in found]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_a_worker_reads_what_changed_by_keys_alone_and_goes_on(browser, site, ann, walt, job, size, scheme):
    begin(walt, job)
    _, name = add_picture(ann, job, file("PNG", photo(300, 200)))
    text = f"{BETTER}\n\n![a good answer](picture:{name})"
    save(ann, job, text, [("bad", "right", "Broken on day one", name), ("good", "wrong", "It is fine, I guess", "")])
    page = window(browser, site, walt, size, scheme)
    page.goto(work(job))
    dialog = page.get_by_role("dialog", name="The guide has changed")
    dialog.wait_for()
    assert "its title too" in dialog.locator("ins").all_inner_texts()[1]
    assert dialog.get_by_role("heading", name="The guide has changed").evaluate(
        "(one) => one === document.activeElement"
    )
    page.keyboard.press("Enter")
    assert dialog.is_visible(), "who only presses Enter on and on has not read it"
    sound(page)
    button = dialog.get_by_role("button", name="Got it, go on")
    for _ in range(4):
        page.keyboard.press("Tab")
        if button.evaluate("(one) => one === document.activeElement"):
            break
    with page.expect_response(lambda answer: answer.url.endswith("/guide") and answer.request.method == "POST"):
        page.keyboard.press("Enter")
    dialog.wait_for(state="hidden")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.reload()
    page.locator("crowd-form").first.wait_for()
    assert not dialog.is_visible(), "told once"
    page.context.close()


# The end of a request is not yet the moment at which the page knows what it said: keys may come in between.
COMES_BACK = """() => new Promise((known) => {
    const read = Response.prototype.json;
    Response.prototype.json = async function () {
        const told = await read.call(this);
        if (this.url.includes("/guide?version=1")) setTimeout(known);
        return told;
    };
    document.dispatchEvent(new Event("visibilitychange"));
})"""


def test_a_page_that_is_open_tells_before_the_next_hit(browser, site, ann, walt, job):
    begin(walt, job)
    page = window(browser, site, walt)
    page.goto(work(job))
    # The form stands before the script of its question does, which takes the keys.
    page.get_by_role("radio", name="good").wait_for()
    save(ann, job)
    page.evaluate(COMES_BACK)
    dialog = page.get_by_role("dialog", name="The guide has changed")
    assert not dialog.is_visible(), "not in the middle of a HIT"
    page.keyboard.press("1")
    expect(page.get_by_role("radio", name="good")).to_be_checked()
    page.keyboard.press("Enter")
    dialog.wait_for()
    dialog.get_by_role("button", name="Read the whole guide").click()
    page.locator("[data-guide-text]").get_by_text("its title too").wait_for()
    page.context.close()


def test_the_guide_page_is_sound_with_pictures_examples_and_versions(browser, site, ann, job):
    _, name = add_picture(ann, job, file("PNG", photo(300, 200)))
    save(ann, job, f"{BETTER}\n\n![a good answer](picture:{name})", [("bad", "right", "Broken on day one", name)])
    for size, scheme in LOOKS:
        page = window(browser, site, ann, size, scheme)
        page.goto(f"{job}/guide")
        for one in page.locator("summary").all():
            one.click()
        page.get_by_role("button", name="Preview the guide").click()
        page.locator("#guide-shown img").wait_for()
        sound(page)
        page.context.close()


def test_a_large_image_is_loaded_small_and_boxes_are_in_pixels_of_the_original(browser, site, ann, walt):
    job = ann.job()
    ann.upload(job, "media.zip", packed([("large.jpg", file("JPEG", photo(3000, 2000))), ("b.jpg", file("JPEG"))]))
    task = {"title": "Boxes", "description": "", "guide": "", "offer": "boxes", "field": "_image", "question": "Where?"}
    offers = re.findall(r'name="offer"[^>]*value="([^"]+)"', ann.get(f"{job}/task").text)
    task["offer"] = next(one for one in offers if "box" in one)
    labels = {"label_name": ["car"], "label_definition": [""], "label_examples": [""]}
    answer = ann.post(f"{job}/task", **task, **labels)
    assert answer.status_code == 303, re.findall(r'class="error"[^>]*>.*?<span>(.*?)</span>', answer.text)
    ann.post(f"{job}/quality", redundancy="3", gold="none", gold_percent="0")
    ann.post(f"{job}/pay", reward="0.02", lease_minutes="5")
    assert ann.post(f"{job}/check").status_code == 303
    page = window(browser, site, walt, (390, 844))
    page.goto(work(job))
    image = page.locator(".crowd-stage img").first
    image.wait_for()
    page.wait_for_function("document.querySelector('.crowd-stage img').currentSrc.includes('w=')")
    assert "w=640" in image.evaluate("(one) => one.currentSrc") or "w=320" in image.evaluate("(one) => one.currentSrc")
    size = page.evaluate("document.querySelector('crowd-bounding-box').answer.inputImageProperties")
    assert size == {"width": 3000, "height": 2000}
    first = image.evaluate("(one) => one.currentSrc")
    for _ in range(4):
        page.get_by_role("button", name="Larger").first.click()
    page.wait_for_function("(first) => document.querySelector('.crowd-stage img').currentSrc !== first", arg=first)
    assert page.evaluate("document.querySelector('crowd-bounding-box').answer.inputImageProperties") == size
    page.context.close()
