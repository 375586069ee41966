"""The wizard in a real browser: by keyboard alone, kept while typing, sound to axe in each size and scheme."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from broker import wiring
from tests.doors.requester import Visitor
from tests.servers.installation import served

pytestmark = pytest.mark.browser
CSV = "id,text,mood\n" + "\n".join(
    f"{row},{'Lovely place' if row % 2 else 'Never again'} {row},{'good' if row == 1 else ''}" for row in range(1, 41)
)


@pytest.fixture(scope="module")
def ann(tmp_path_factory):
    """A requester of a running installation: cookie and address, and the plain-form door to prepare drafts."""
    with served(tmp_path_factory.mktemp("served"), web_processes=1, web_threads=4) as installation:
        broker = wiring.build(installation.settings)
        visitor = Visitor(broker, "requester", credit=100_000_000)
        visitor.url = installation.url
        yield visitor
        broker.store.close()


@pytest.fixture
def open_page(browser, ann):
    """Makes pages on which the requester is logged in."""
    contexts = []

    def opened(path, width=1280, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        context.set_default_timeout(30_000)
        contexts.append(context)
        context.add_cookies([{"name": "broker", "value": ann.client.get_cookie("broker").value, "url": ann.url}])
        page = context.new_page()
        page.goto(f"{ann.url}{path}")
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def draft(ann):
    """A draft with all steps filled in, and gold."""
    found = ann.job("Reviews of a shop")
    ann.upload(found, "reviews.csv", CSV.encode())
    ann.described(found)
    ann.post(f"{found}/quality", redundancy="3", gold="column", gold_column="mood", gold_percent="10")
    return found


def press_until(page, goal, key="Tab", most=80):
    """Press a key until what the keyboard is at fits."""
    for _ in range(most):
        if page.evaluate(f"() => document.activeElement?.matches({goal!r})"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"the keyboard does not get to {goal}")


def test_a_person_makes_and_publishes_a_job_with_the_keyboard_alone(open_page, ann):
    page = open_page("/jobs/new")
    press_until(page, "#title")
    page.keyboard.type("Mood of reviews")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/data$"))

    press_until(page, "#file")
    # The system's own file dialog is beyond a page's tests.
    page.locator("#file").set_input_files({"name": "reviews.csv", "mimeType": "text/csv", "buffer": CSV.encode()})
    press_until(page, "form[data-upload] button")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Ready")).to_be_visible(
        timeout=60_000
    )  # the page loads itself anew when the import has ended
    expect(page.get_by_role("cell", name="Lovely place 1", exact=True)).to_be_visible()
    press_until(page, "a[href$='/task']:not(.steps a)")
    page.keyboard.press("Enter")

    expect(page.get_by_label("One label for a text")).to_be_checked()
    press_until(page, "#field")
    page.keyboard.type("text")
    press_until(page, "#question")
    page.keyboard.type("What is the mood?")
    press_until(page, "[id='labels.0.name']")
    for name in ("good", "bad", "neither"):
        page.keyboard.type(name)
        page.keyboard.press("Enter")
    assert page.locator("input[name=label_name]").evaluate_all("all => all.map((one) => one.value)") == [
        "good",
        "bad",
        "neither",
        "",
    ]
    press_until(page, "button[value='remove:3']")
    page.keyboard.press("Enter")
    press_until(page, "button[value='up:2']")
    page.keyboard.press("Enter")
    press_until(page, "button.button-primary[value=next]")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/quality$"))
    press_until(page, "input[name=gold]")
    page.keyboard.press("ArrowDown")
    press_until(page, "#gold_column")
    page.keyboard.type("mood")
    press_until(page, "button.button-primary[value=next]")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/pay$"))
    press_until(page, "#reward")
    page.keyboard.type("0.03")
    expect(page.locator("[data-total]")).to_have_text("3.87")  # 39 rows, 3 answers each, and 12 checks
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/check$"))
    expect(page.get_by_text("good, neither, bad")).to_be_visible()
    press_until(page, "main form button.button-primary")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your job is open")).to_be_visible()
    expect(page.get_by_text("No answers yet")).to_be_visible()


def test_what_is_typed_is_kept_by_itself_and_the_preview_follows(open_page, draft):
    page = open_page(f"{draft}/task")
    frame = page.frame_locator("iframe.preview")
    page.locator("#question").fill("Is this customer happy?")
    expect(page.locator("[data-saved]")).to_have_text("Saved")
    expect(frame.get_by_text("Is this customer happy?")).to_be_visible()
    page.get_by_role("button", name="Next row").click()
    expect(frame.get_by_text("Never again 2")).to_be_visible()
    expect(page.get_by_text("Row 2 of 40")).to_be_visible()
    page.reload()
    expect(page.locator("#question")).to_have_value("Is this customer happy?")


def test_the_guide_is_previewed_and_errors_are_announced(open_page, draft):
    page = open_page(f"{draft}/task")
    page.locator("#guide").fill("Read **all** of it")
    page.get_by_role("button", name="Preview the guide").click()
    expect(page.locator("#guide-shown strong")).to_have_text("all")
    page.locator("#title").fill("")
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="There is a problem")).to_be_focused()
    page.get_by_role("link", name="Title: give the job a title").click()
    expect(page.locator("#title")).to_be_focused()


def test_a_file_too_large_is_told_before_it_is_sent(open_page, draft):
    page = open_page(f"{draft}/data")
    page.evaluate("document.querySelector('form[data-upload]').dataset.upload = '10'")
    page.locator("#file").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": CSV.encode()})
    expect(page.locator("form[data-upload] [role=alert]")).to_contain_text("larger than this installation accepts")


def test_a_file_that_cannot_be_used_is_refused_beside_its_field(open_page, draft):
    page = open_page(f"{draft}/data")
    page.locator("#file").set_input_files({"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"})
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#file-error")).to_contain_text("a PDF")
    expect(page.get_by_role("alert").filter(has_text="There is a problem")).to_be_focused()


def test_a_draft_with_everything_wrong_is_sound_too(open_page, ann):
    bad = ann.job("Bad")
    ann.upload(bad, "a.csv", b"id,text\n1\n2,fine\n")
    page = open_page(f"{bad}/data", 390, "dark")
    expect(page.get_by_text("1 of 2 rows are faulty")).to_be_visible()
    assert Axe().run(page).response["violations"] == []
    page.goto(f"{ann.url}{bad}/check")
    expect(page.get_by_role("alert")).to_contain_text("decide about the faulty rows")
    assert Axe().run(page).response["violations"] == []
