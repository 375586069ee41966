"""Uploaded files at the door: signed, in parts, at a closed list of widths, unable to run anything; in either store."""

import io
import re
from zipfile import ZIP_DEFLATED

import numpy as np
import pytest
import sqlalchemy as sa
from itsdangerous import URLSafeSerializer
from PIL import Image

from broker.formats import resize
from broker.store.files import BLOCK, Files
from broker.store.jobs import UploadState
from broker.store.work import Hit
from broker.web import media
from broker.wiring import Broker, utc_now
from tests.conftest import migrated
from tests.doors.requester import Visitor, broker_on
from tests.formats.recorded import box, mp4, tone
from tests.formats.samples import packed
from tests.formats.test_images import exif, file, photo
from tests.servers import s3

SAMPLES = (np.random.default_rng(7).random(3 * BLOCK) < 0.03).astype(np.uint8).tobytes()
LARGE = file("JPEG", photo(1500, 1000), exif=exif(6))
ENTRIES = [
    ("large.jpg", LARGE),
    ("small.png", file("PNG")),
    ("talk.wav", tone()),
    ("walk.mp4", mp4() + box(b"mdat", SAMPLES)),
]
TABLE = b"word,picture,sound\nfirst,large.jpg,talk.wav\nsecond,small.png,\n"


@pytest.fixture(scope="module")
def store_address():
    """An S3-compatible store."""
    with s3.serving() as address:
        yield address


@pytest.fixture(scope="module", params=["folder", "s3"])
def broker(request, tmp_path_factory):
    """A broker whose uploads are in a folder, and one whose uploads are in an S3-compatible store."""
    folder, settings = tmp_path_factory.mktemp("media"), {}
    database = migrated(f"sqlite:///{folder / 'broker.sqlite3'}")
    if request.param == "s3":
        address = request.getfixturevalue("store_address")
        options = {"files_endpoint": address, "files_key": "tester", "files_secret": "of the tests"}
        settings = {"files_url": f"s3://{s3.BUCKET}/media", **options}
    made = broker_on(database, folder, **settings)
    made = Broker(
        made.settings, made.store, Files(made.settings.files, made.settings.files_options), made.queue, made.secret
    )
    if settings:
        made.files._system.mkdir(s3.BUCKET)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def ann(broker):
    return Visitor(broker, "requester", credit=100_000_000)


@pytest.fixture(scope="module")
def rows(broker, ann):
    """The payloads of a ZIP that was imported."""
    return imported(broker, ann, packed(ENTRIES, ZIP_DEFLATED))


def imported(broker, visitor, content, name="media.zip"):
    job = visitor.job()
    visitor.upload(job, name, content)
    assert visitor.state(job)["state"] == UploadState.KEPT, visitor.state(job)["message"]
    with broker.store.read() as unit:
        query = sa.select(Hit.payload).where(Hit.job_id == broker.names("J").read(job.removeprefix("/jobs/")))
        return unit.session.scalars(query.order_by(Hit.row)).all()


def seen(broker, payload, column, medium="image"):
    """What a page gets of a row's file."""
    return media.shown(broker, payload, {"media": medium, "value": payload[column], "question": "?"})


def kept(broker):
    """The paths of all files in the store."""
    return broker.files._system.find(broker.files._root)


def size_of(content):
    with Image.open(io.BytesIO(content)) as image:
        return image.size


def test_images_sounds_and_films_are_imported_and_shown(broker, ann, rows):
    large, small, talk, walk = (
        seen(broker, row, column, column[1:])
        for row, column in zip(rows, ("_image", "_image", "_audio", "_video"), strict=True)
    )
    assert (large["width"], large["height"]) == (1000, 1500), "upright, in pixels of the original"
    assert (small["width"], small["height"], "srcset" in small) == (60, 40, False)
    assert (talk["duration"], len(talk["peaks"])) == (1.5, 12)
    assert (walk["duration"], walk["width"], walk["height"]) == (2.5, 640, 360)
    for shown, mime, name in ((large, "image/jpeg", "jpeg"), (talk, "audio/wav", "wav"), (walk, "video/mp4", "mp4")):
        answer = ann.get(shown["value"])
        assert answer.status_code == 200
        assert answer.content_type == mime
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert answer.headers["Content-Disposition"] == f'inline; filename="media.{name}"'
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert answer.content_length == len(answer.data)


def test_rows_of_a_table_show_the_files_they_name(broker, ann):
    found = imported(broker, ann, packed([("data.csv", TABLE), *ENTRIES], ZIP_DEFLATED))
    first, second = (seen(broker, row, "picture") for row in found)
    assert size_of(ann.get(first["value"]).data) == (1000, 1500)
    assert size_of(ann.get(second["value"]).data) == (60, 40)
    assert seen(broker, found[0], "sound", "audio")["duration"] == 1.5
    assert seen(broker, found[0], "_image")["value"] == first["value"], (
        "the first of each medium has a column of its own"
    )
    assert [row["picture"] for row in found] == ["large.jpg", "small.png"], "exports give the requester's own names"


def test_several_files_of_one_row_are_each_signed(broker, ann):
    (row, _) = imported(broker, ann, packed([("data.csv", TABLE), *ENTRIES], ZIP_DEFLATED))
    pair = {"media": "image", "sides": [{"value": "large.jpg"}, {"value": "talk.wav"}], "labels": ["left", "right"]}
    shown = media.shown(broker, row, pair)
    assert [side["value"].startswith("/media/") for side in shown["sides"]] == [True, True]
    assert (shown["sides"][0]["width"], shown["sides"][1]["duration"]) == (1000, 1.5)
    assert shown["labels"] == ["left", "right"]


def test_a_large_image_comes_in_the_widths_of_a_closed_list(broker, ann, rows):
    shown = seen(broker, rows[0], "_image")
    copies = [one.split() for one in shown["srcset"].split(", ")]
    assert [width for _, width in copies] == ["160w", "320w", "640w", "1000w"]
    for address, width in copies:
        answer = ann.get(address)
        assert answer.content_type == "image/jpeg"
        assert size_of(answer.data) == (int(width[:-1]), int(width[:-1]) * 3 // 2)
    assert copies[-1][0] == shown["value"]
    assert ann.get(f"{shown['value']}?w=161").status_code == 404
    assert ann.get(f"{shown['value']}?w=-1").status_code == 404


def test_a_smaller_copy_is_made_once_and_kept(broker, ann, rows, monkeypatch):
    address = f"{seen(broker, rows[0], '_image')['value']}?w=320"
    first = ann.get(address).data
    monkeypatch.setattr(resize, "narrower", lambda *_: pytest.fail("made again"))
    assert ann.get(address).data == first


def test_copies_go_with_their_original(broker, ann):
    job, before = ann.job(), set(kept(broker))
    ann.upload(job, "media.zip", packed(ENTRIES, ZIP_DEFLATED))
    page = ann.get(f"{job}/data").text
    thumb = re.search(r'src="(/media/[^"]+\?w=160)"', page)[1]
    assert size_of(ann.get(thumb).data) == (160, 240), "lists show small copies"
    assert "<audio" in page
    assert "<video" in page
    number = page.split("/uploads/")[1].split("/")[0]
    ann.post(f"{job}/uploads/{number}/discard")
    assert ann.get(thumb).status_code == 404
    assert [key for key in kept(broker) if key not in before] == []


def test_a_width_of_what_has_none_gives_the_file_itself(broker, ann, rows):
    for row, column in ((rows[1], "_image"), (rows[2], "_audio")):
        address = seen(broker, row, column, column[1:])["value"]
        assert ann.get(f"{address}?w=320").data == ann.get(address).data


RANGES = [("bytes=0-99", 0, 100), ("bytes=100-", 100, None), ("bytes=-50", -50, None), ("bytes=0-0", 0, 1)]
RANGES.append((f"bytes={BLOCK - 10}-{2 * BLOCK + 9}", BLOCK - 10, 2 * BLOCK + 10))
RANGES.append((f"bytes=10-{10**12}", 10, None))


@pytest.mark.parametrize(("asked", "start", "end"), RANGES)
def test_a_part_of_a_film_is_given(broker, ann, rows, asked, start, end):
    address = seen(broker, rows[3], "_video", "video")["value"]
    whole = ann.get(address).data
    answer = ann.get(address, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.data == whole[start:end]
    first = len(whole) + start if start < 0 else start
    assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(answer.data) - 1}/{len(whole)}"
    assert answer.content_length == len(answer.data)
    assert answer.content_type == "video/mp4"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")


def test_a_part_beyond_the_end_is_refused_with_the_length(broker, ann, rows):
    address = seen(broker, rows[3], "_video", "video")["value"]
    length = ann.get(address).content_length
    answer = ann.get(address, headers={"Range": f"bytes={length}-"})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{length}"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "lines=0-1"])
def test_ranges_that_may_be_ignored_give_all(broker, ann, rows, asked):
    answer = ann.get(seen(broker, rows[1], "_image")["value"], headers={"Range": asked})
    assert (answer.status_code, answer.content_length) == (200, len(answer.data))


def test_a_part_is_only_given_of_the_file_that_was_begun(broker, ann, rows):
    address = seen(broker, rows[3], "_video", "video")["value"]
    whole = ann.get(address)
    same = ann.get(address, headers={"Range": "bytes=0-9", "If-Range": whole.headers["ETag"]})
    assert (same.status_code, same.data) == (206, whole.data[:10])
    other = ann.get(address, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (other.status_code, other.content_length) == (200, len(whole.data))


def test_what_the_browser_has_is_not_sent_again(broker, ann, rows):
    address = seen(broker, rows[0], "_image")["value"]
    tag = ann.get(address).headers["ETag"]
    answer = ann.get(address, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.data) == (304, b"")
    assert ann.get(f"{address}?w=320").headers["ETag"] != tag
    assert ann.client.head(address).content_length == len(ann.get(address).data)


def test_a_film_is_never_held_in_memory(broker, ann, rows, monkeypatch):
    address = seen(broker, rows[3], "_video", "video")["value"]
    monkeypatch.setattr(Files, "read", lambda *_: pytest.fail("read at once"))
    answer = ann.client.get(address, buffered=False)
    largest = max(len(block) for block in answer.iter_encoded())
    assert 0 < largest <= BLOCK
    answer.close()


def test_an_address_that_was_changed_is_refused(broker, ann, rows):
    address = seen(broker, rows[0], "_image")["value"]
    for place in range(len("/media/"), len(address), 7):
        changed = address[:place] + ("A" if address[place] != "A" else "B") + address[place + 1 :]
        assert ann.get(changed).status_code == 404
    assert ann.get("/media/nothing").status_code == 404


def test_an_address_signed_by_another_installation_or_for_another_purpose_is_refused(broker, ann, rows):
    key, sort, last = media._signer(broker).loads(seen(broker, rows[0], "_image")["value"].removeprefix("/media/"))
    own = URLSafeSerializer(broker.secret, salt="media").dumps([key, sort, last])
    assert ann.get(f"/media/{own}").status_code == 200
    for secret, salt in ((b"another secret of some thirty letters", "media"), (broker.secret, "session")):
        assert ann.get(f"/media/{URLSafeSerializer(secret, salt=salt).dumps([key, sort, last])}").status_code == 404


def test_an_address_expires_within_a_day(broker, ann, rows, monkeypatch):
    address = seen(broker, rows[0], "_image")["value"]
    later = Visitor(broker, "requester")
    begun = utc_now()
    for hours, status in ((0, 200), (11.9, 200), (24, 404)):
        now = begun.timestamp() + hours * 3600
        later.client.application.config["BROKER"] = moved(broker, now)
        assert later.get(address).status_code == status


def moved(broker, timestamp):
    """The same installation at another time."""
    now = utc_now().fromtimestamp(timestamp, tz=utc_now().tzinfo)
    return Broker(broker.settings, broker.store, broker.files, broker.queue, broker.secret, now=lambda: now)


def test_a_cell_that_names_somebody_elses_file_is_never_signed(broker, ann, rows):
    stolen = rows[0]["_image"]
    bob = Visitor(broker, "requester", credit=100_000_000)
    (row,) = imported(broker, bob, f"text\n{stolen}\n".encode(), "rows.csv")
    with pytest.raises(media.Invalid, match="no uploaded image"):
        seen(broker, row, "text")
    assert bob.upload(bob.job(), "rows.csv", f"_image\n{stolen}\n".encode()).status_code == 422


def test_an_export_is_written_and_fetched(broker, ann, rows):
    job = ann.job()
    ann.upload(job, "rows.csv", b"text\nhello\n")
    ann.described(job)
    ann.post(f"{job}/check")
    ann.post(f"{job}/exports", format="csv")
    from workers import errands  # noqa: PLC0415

    errands.drain_with(broker, "statistics")
    fetched = re.search(rf'href="({job}/exports/[^"]+)"', ann.get(f"{job}/results").text)[1]
    assert "hello" in ann.get(fetched).text


def test_a_connection_is_opened_anew_after_a_fork(broker, rows):
    import os  # noqa: PLC0415

    key = rows[1]["_image"].rpartition(".")[0]
    whole = broker.files.read(key)
    child = os.fork()
    if child == 0:
        os._exit(0 if broker.files.read(key) == whole else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_the_pixels_of_a_turned_photo_are_those_the_phone_showed(broker, ann, rows):
    kept = ann.get(seen(broker, rows[0], "_image")["value"]).data
    with Image.open(io.BytesIO(kept)) as image, Image.open(io.BytesIO(LARGE)) as photo_:
        expected = np.rot90(np.asarray(photo_.convert("RGB")).astype(int), -1)
        assert np.abs(np.asarray(image.convert("RGB")).astype(int) - expected).mean() < 2
