"""The data of the filled installation: messages to a shop, and files made of them."""

import csv
import io
import itertools
import zipfile

TONES = {
    "glad": ["The customer is happy or grateful.", "Lovely, thank you!"],
    "calm": ["A plain question or statement.", "Please send the invoice."],
    "angry": ["The customer complains or is upset.", "Twice now!"],
}


OPENINGS = ["Order 4471:", "Hello,", "Good morning,", "About my last order:", "Hi there,", "Dear team,", "Once more:"]


MESSAGES = [
    ("my parcel arrived two days early and the packaging was lovely. Thank you!", "glad"),
    ("I have been waiting for three weeks and nobody answers my e-mails.", "angry"),
    ("please send the invoice to our accounting department.", "calm"),
    ("the left shoe is a 42 and the right one a 43. Twice now.", "angry"),
    ("could you tell me whether the lamp is also sold in green?", "calm"),
    ("this is the best kettle I ever owned, my mother wants one too.", "glad"),
    ("the zip broke on the first day. What am I supposed to do with this?", "angry"),
]


TONE_GUIDE = """\
Judge how the **writer** feels, not how good the product is.

- Thanks at the end of a complaint is still a complaint.
- A question without any feeling is *calm*.
"""


FAULTY = "id,text,topic\n" + "\n".join(
    f"{row},{opening} {words}," if row % 6 else f"{row},{words}"
    for row, (opening, (words, _)) in enumerate(itertools.product(OPENINGS, MESSAGES), 1)
)


def tone_of(text):
    """The tone that a message was written with."""
    return next(tone for words, tone in MESSAGES if words in text)


def messages():
    """A CSV of support messages; every sixth has its tone as gold."""
    rows = [
        (number, f"{opening} {words}", tone if number % 6 == 0 else "")
        for number, (opening, (words, tone)) in enumerate(itertools.product(OPENINGS, MESSAGES), 1)
    ]
    return written([("id", "text", "tone"), *rows])


def table(labels):
    """A CSV of names and labels."""
    return written([("name", "label"), *labels.items()])


def written(rows):
    """Rows as the bytes of a CSV."""
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue().encode()


def archive(files):
    """A ZIP of these files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    return file.getvalue()
