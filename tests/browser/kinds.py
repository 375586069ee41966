"""One open job of every kind on real media, and how a person answers its HIT: by mouse or touch, and by keys alone."""

import io
import math
import struct
import wave
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image
from skimage import data

from broker.kinds.registry import ROOMS
from tests.browser.filled_texts import archive

TEXT = "Ada met Charles in London. She liked him."
LABELS = ["person", "place"]


@dataclass(frozen=True)
class Job:
    """A job: its offer, the file of its data, what is typed into its settings, and two ways to answer.

    Data that a browser makes is given as a function of one. `point(hand)` answers with a mouse or a finger,
    `keys(page)` with the keyboard alone; both leave the submitting to who calls them.
    """

    offer: str
    data: tuple[str, bytes] | Callable[[Any], tuple[str, bytes]]
    fields: dict[str, Any]
    point: Callable[[Any], None]
    keys: Callable[[Any], None]

    @property
    def kind(self) -> str:
        """The name of its room."""
        return next(name for name, room in ROOMS.items() for one in room.offers if one.name == self.offer)


def table(text: str) -> tuple[str, bytes]:
    """A table of one column."""
    return "data.csv", f'text\n"{text}"\n'.encode()


def picture() -> tuple[str, bytes]:
    """A ZIP of one of the pictures that ship with scikit-image."""
    file = io.BytesIO()
    Image.fromarray(data.astronaut()).save(file, "JPEG")
    return "pictures.zip", archive({"astronaut.jpg": file.getvalue()})


def sound() -> tuple[str, bytes]:
    """A ZIP of a tone that swells and fades."""
    file, rate = io.BytesIO(), 8000
    with wave.open(file, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(rate)
        swell = [math.sin(at / 8) * math.sin(math.pi * at / rate) ** 2 for at in range(4 * rate)]
        made.writeframes(b"".join(struct.pack("<h", int(20_000 * one)) for one in swell))
    return "sounds.zip", archive({"tone.wav": file.getvalue()})


# A film of two seconds.
RECORD = """async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 120 });
  const ink = canvas.getContext("2d");
  const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: "video/webm" });
  const parts = [];
  recorder.ondataavailable = (event) => parts.push(event.data);
  const paint = setInterval(() => {
    ink.fillStyle = `hsl(${performance.now() / 5} 80% 50%)`;
    ink.fillRect(0, 0, 160, 120);
  }, 40);
  recorder.start();
  await new Promise((done) => { recorder.onstop = done; setTimeout(() => recorder.stop(), 2000); });
  clearInterval(paint);
  return Array.from(new Uint8Array(await new Blob(parts).arrayBuffer()));
}"""


def film(browser: Any) -> tuple[str, bytes]:
    """A ZIP of a film that the browser itself has recorded."""
    page = browser.new_page()
    content = bytes(page.evaluate(RECORD))
    page.close()
    return "films.zip", archive({"colours.webm": content})


def named(*names: str, prefix: str = "label") -> dict[str, Any]:
    """Labels as they are typed."""
    return {f"{prefix}_name": list(names)}


HIT = ".hit-work:not([hidden])"


class Hand:
    """A mouse, or a finger on a touch screen."""

    def __init__(self, page: Any, *, finger: bool) -> None:
        self.page, self.finger = page, finger

    def on(self, *selectors: str) -> None:
        """Press the first thing that fits each of these."""
        for selector in selectors:
            one = self.page.locator(f"{HIT} {selector}").first
            one.tap() if self.finger else one.click()

    def inside(self, selector: str, *places: tuple[float, float]) -> None:
        """Press these places of one thing, in shares of its width and height."""
        one = self.page.locator(f"{HIT} {selector}").first
        one.scroll_into_view_if_needed()
        box = one.bounding_box()
        for x, y in places:
            at = (box["x"] + x * box["width"], box["y"] + y * box["height"])
            if self.finger:
                self.page.touchscreen.tap(*at)
            else:
                self.page.mouse.click(*at)


def ready(page: Any) -> None:
    """Wait for the picture that is drawn on."""
    page.wait_for_function(f"() => document.querySelector('{HIT} .crowd-ink')?.viewBox.baseVal?.width")


def drawing(*places: tuple[float, float], then: tuple[str, ...] = ()) -> Callable[[Hand], None]:
    """Press places of the picture, then buttons."""

    def point(hand: Hand) -> None:
        ready(hand.page)
        hand.inside(".crowd-stage", *places)
        hand.on(*then)

    return point


def at_board(*steps: str) -> Callable[[Any], None]:
    """Go to the picture or text, and press these keys there."""

    def keys(page: Any) -> None:
        board = page.locator(f"{HIT} [role=application]").first
        if page.locator(f"{HIT} img, {HIT} .crowd-stage").count():
            ready(page)
        board.focus()
        for key in steps:
            page.keyboard.press(key)

    return keys


def pressing(*steps: str) -> Callable[[Any], None]:
    """Press these keys wherever the page has put the keyboard."""

    def keys(page: Any) -> None:
        for key in steps:
            page.keyboard.press(key)

    return keys


def timed(page: Any) -> None:
    """Wait for the length of the recording."""
    page.wait_for_function(f"() => Number(document.querySelector('{HIT} .crowd-strip').ariaValueMax) > 1")


def striking(hand: Hand) -> None:
    """Mark a stretch of the recording: press its two ends, and Mark at each."""
    timed(hand.page)
    for share in (0.25, 0.5):
        hand.inside(".crowd-strip", (share, 0.5))
        hand.on(">> role=button[name=/^Mark/]")


def marking(page: Any) -> None:
    """Mark a stretch of the recording by keys."""
    timed(page)
    page.locator(f"{HIT} .crowd-strip").focus()
    for key in ("Home", "m", "ArrowRight", "m"):
        page.keyboard.press(key)


def said(hand: Hand) -> None:
    """Mark a stretch, and write what is said in it."""
    striking(hand)
    hand.on(">> role=textbox[name=/^Segment 1/]")
    hand.page.keyboard.type("zips past")


def saying(page: Any) -> None:
    """The same by keys: what is typed goes to the new segment."""
    marking(page)
    page.keyboard.type("zips past")


def focused(selector: str, *steps: str) -> Callable[[Any], None]:
    """Go to the first thing that fits, and press these keys there."""

    def keys(page: Any) -> None:
        page.locator(f"{HIT} {selector}").first.focus()
        for key in steps:
            page.keyboard.press(key)

    return keys


def writing(text: str) -> Callable[[Any], None]:
    """Go to the field, and type; the letters of the page's own keys too."""

    def keys(page: Any) -> None:
        page.locator(f"{HIT} textarea").first.focus()
        page.keyboard.type(text)

    return keys


def pressed(*selectors: str) -> Callable[[Hand], None]:
    """Press these things."""
    return lambda hand: hand.on(*selectors)


def written(hand: Hand) -> None:
    """Press the field, and type."""
    hand.on("textarea")
    hand.page.keyboard.type("zips past")


def filled_in(hand: Hand) -> None:
    """Press an answer to both questions of a form."""
    hand.on('label.check:has-text("Yes")', 'label.check:has-text("angry")')


def filling_in(page: Any) -> None:
    """Answer both questions of a form by keys: the first has the focus."""
    for key in ("Space", "Tab", "ArrowDown"):
        page.keyboard.press(key)


def piece(word: str) -> str:
    """A word of the text."""
    return f'.crowd-piece:text-is("{word}")'


# A requester's own page.
OWN_PAGE = """<form><p>{{ task.input.text }}</p>
<label><input type="radio" name="choice" value="calm"> calm</label>
<label><input type="radio" name="choice" value="angry"> angry</label></form>"""


def in_frame(hand: Hand) -> None:
    """Press an answer in the frame."""
    one = hand.page.frame_locator(f"{HIT} broker-page iframe").get_by_label("angry")
    one.tap() if hand.finger else one.click()


def at_frame(page: Any) -> None:
    """Press the keys of a plain form in the frame."""
    page.frame_locator(f"{HIT} broker-page iframe").get_by_label("calm").focus()
    for key in ("Space", "ArrowDown"):
        page.keyboard.press(key)


RIGHT, DOWN = ("ArrowRight",) * 4, ("ArrowDown",) * 4
CORNERS = ((0.3, 0.2), (0.6, 0.2), (0.6, 0.5))
TURNS = ("Space", *RIGHT, "Space", *DOWN, "Space", "Enter")
PICTURE, WORDS, SOUND = picture(), table(TEXT), sound()
TWO = ("data.csv", b"text,other\nA quick translation,A slow translation\n")
JOBS = [
    Job("image-one", PICTURE, named("person", "animal"), pressed("label"), pressing("1")),
    Job("text-many", WORDS, named("people", "weather"), pressed("label"), pressing("1")),
    Job(
        "boxes",
        PICTURE,
        named("face", "flag"),
        drawing((0.3, 0.1), (0.6, 0.4)),
        at_board("Space", *RIGHT, *DOWN, "Space"),
    ),
    Job("keypoints", PICTURE, named("nose", "chin"), drawing((0.4, 0.2)), at_board("Space")),
    Job("polygons", PICTURE, named("suit"), drawing(*CORNERS, then=('button:has-text("Finish")',)), at_board(*TURNS)),
    Job("masks", PICTURE, named("suit", "flag"), drawing((0.4, 0.4)), at_board("Space", *RIGHT, "Space")),
    Job("spans", WORDS, named("person", "place"), pressed(piece("Charles"), piece("in")), at_board("2", "Space")),
    Job("coreference", WORDS, {}, pressed(piece("Ada"), piece("met")), at_board("Space")),
    Job(
        "tokens",
        WORDS,
        named("NOUN", "VERB") | {"optional": "yes"},
        pressed(">> role=option[name=/^met/]", '>> role=radio[name="VERB"]'),
        focused("[role=listbox]", "1"),
    ),
    Job(
        "relations",
        WORDS,
        named("person", "place") | {"relations": "met\nin"},
        pressed(
            *(piece("Ada"), piece("met"), piece("London"), piece(".")),
            *(">> role=button[name=/^person: Ada/i]", '>> role=button[name="Relate"]'),
            ">> role=button[name=/^person: London/i]",
        ),
        at_board("Space", "ArrowRight", "ArrowRight", "Space", "r", "1", "PageUp", "Space"),
    ),
    Job("text-text", WORDS, {"least": "1", "most": "99"}, written, writing("zips past")),
    Job("transcript", SOUND, {}, written, writing("zips past")),
    Job("segments", SOUND, {"speakers": ""}, said, saying),
    Job("events", film, named("goal", "foul"), striking, marking),
    Job(
        "ranking",
        table("milk | tea | coffee"),
        {},
        pressed('>> role=button[name="Move tea up"]'),
        focused(">> role=button[name=/^tea, place/]", "ArrowUp"),
    ),
    Job("page", WORDS, {"template": OWN_PAGE}, in_frame, at_frame),
    Job("instances", PICTURE, named("suit"), drawing((0.4, 0.4)), at_board("Space", *RIGHT, "Space")),
    Job("polylines", PICTURE, named("edge"), drawing(*CORNERS, then=('button:has-text("Finish")',)), at_board(*TURNS)),
    Job("lines", PICTURE, named("edge"), drawing(*CORNERS[:2]), at_board("Space", *RIGHT, "Space")),
    Job("text-pair", TWO, {"other": "other"}, pressed("label"), pressing("1")),
    Job(
        "text-rating", WORDS, {"form": "scale", "least": "1", "most": "5", "step": "1"}, pressed("label"), pressing("4")
    ),
    Job("text-form", WORDS, {"fields": "Polite? | yes\nTone | choice | calm, angry"}, filled_in, filling_in),
]
