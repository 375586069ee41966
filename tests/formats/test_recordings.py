"""Sounds and films: told by content, measured, without tags, their loudness known before a browser asks."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Invalid
from broker.formats import recordings
from broker.formats.limits import Limits
from tests.formats.recorded import RATE, SECRET, mp4, tone, webm

SOUNDS = [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None)]


def taken(content, **limits):
    file = io.BytesIO(content)
    found = recordings.take(file, Limits(**limits))
    return found, file.getvalue()


@pytest.mark.parametrize(("kind", "subtype"), SOUNDS)
def test_a_sound_is_measured_and_its_loudness_drawn(kind, subtype):
    found, _ = taken(tone(kind=kind, subtype=subtype))
    assert (found.sort, found.medium) == (kind.lower(), "audio")
    assert found.facts["duration"] == pytest.approx(1.5, abs=0.1), "MP3 pads its ends"
    peaks = np.array(recordings.peaks(found.facts["peaks"]))
    times = (np.arange(len(peaks)) + 0.5) / len(peaks) * found.facts["duration"]
    loud = (times > 0.65) & (times < 0.95)
    assert peaks[loud].min() > 0.6
    assert peaks[times < 0.3].max() < 0.1
    assert peaks.max() <= 1


def test_the_loudness_is_that_of_the_loudest_channel_and_of_every_sample():
    samples = np.zeros((RATE * 20, 2))
    samples[RATE * 10, 1] = -0.5
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV")
    found, _ = taken(file.getvalue())
    peaks = np.array(recordings.peaks(found.facts["peaks"]))
    assert len(peaks) <= 600
    assert [round(at / len(peaks) * 20) for at in peaks.nonzero()[0]] == [10]
    assert peaks.max() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
def test_tags_of_a_sound_become_blank_and_its_samples_stay(kind):
    content = tone(kind=kind)
    assert SECRET in content
    _, bare = taken(content)
    assert SECRET not in bare
    before, after = (soundfile.read(io.BytesIO(one))[0] for one in (content, bare))
    assert np.array_equal(before, after)


def test_tags_of_an_mp3_become_blank_and_its_samples_stay():
    plain = tone(kind="MP3")
    size = bytes([0, 0, 1, 0])
    tagged = b"ID3\x04\0\x40" + size + SECRET.ljust(128, b"x") + plain + b"TAG" + SECRET.ljust(125)
    _, bare = taken(tagged)
    assert SECRET not in bare
    assert len(bare) == len(tagged)
    before, after = (soundfile.read(io.BytesIO(one))[0] for one in (tagged, bare))
    assert np.array_equal(before[: len(after)], after[: len(before)])


def test_a_film_is_measured_and_its_places_become_blank():
    found, bare = taken(mp4())
    assert (found.sort, found.medium) == ("mp4", "video")
    assert found.facts == {"duration": 2.5, "width": 640, "height": 360}
    assert SECRET in mp4()
    assert SECRET not in bare
    assert len(bare) == len(mp4())
    assert taken(bare)[0] == found


def test_a_film_that_was_held_upright_is_as_high_as_it_is_seen():
    assert taken(mp4(turned=True))[0].facts == {"duration": 2.5, "width": 360, "height": 640}


def test_boxes_without_a_picture_are_a_sound():
    found, _ = taken(mp4(b"mp4a", width=0, height=0))
    assert (found.sort, found.medium, found.facts) == ("m4a", "audio", {"duration": 2.5})


def test_a_film_that_not_every_browser_plays_is_refused_with_a_way_out():
    with pytest.raises(Invalid, match=r"hvc1, which not every browser plays; use H\.264"):
        taken(mp4(b"hvc1"))


def test_a_webm_is_measured_and_its_tags_become_blank():
    found, bare = taken(webm())
    assert (found.sort, found.medium) == ("webm", "video")
    assert found.facts == {"duration": 3.25, "width": 320, "height": 180}
    assert SECRET in webm()
    assert SECRET not in bare
    assert len(bare) == len(webm())
    assert taken(bare)[0] == found


def test_a_webm_as_browsers_record_it_has_no_length_and_is_taken():
    found, bare = taken(webm(live=True))
    assert found.facts == {"width": 320, "height": 180}
    assert SECRET not in bare


def test_a_webm_without_a_picture_is_a_sound():
    assert taken(webm(b"A_OPUS"))[0].medium == "audio"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (webm(doctype=b"matroska"), "Matroska"),
        (webm(b"V_MPEG4/ISO/AVC"), "which no WebM may be"),
        (tone(kind="WAV", subtype="MS_ADPCM"), "which browsers do not play"),
        (tone()[:44], "empty|damaged"),
        (b"RIFF\0\0\0\0WAVE", "damaged"),
        (b"fLaC" + bytes(200), "damaged"),
        (b"ID3" + bytes(200), "damaged"),
        (b"OggS" + bytes(200), "damaged"),
        (mp4()[:60], "damaged"),
        (b"\0\0\0\x10ftypisom\0\0\0\0", "no sound and no picture"),
    ],
)
def test_what_cannot_be_played_is_refused_with_its_reason(content, words):
    with pytest.raises(Invalid, match=words):
        taken(content)


def test_a_recording_longer_than_the_limit_is_refused():
    for content in (tone(), mp4(), webm()):
        with pytest.raises(Invalid, match="longer than"):
            taken(content, recording_seconds=1)


def test_a_box_that_reaches_out_of_its_parent_is_refused():
    content = mp4()
    lie = content.replace((8 + len(SECRET) + 8).to_bytes(4) + b"udta", (99_999).to_bytes(4) + b"udta")
    assert lie != content
    with pytest.raises(Invalid, match="do not fit"):
        taken(lie)


@pytest.mark.parametrize("whole", [tone(), tone(kind="FLAC"), tone(kind="OGG"), tone(kind="MP3"), mp4(), webm()])
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255), end=st.integers(0, 500))
def test_whatever_is_damaged_is_refused_or_measured(whole, place, byte, end):
    content = bytearray(whole)
    content[place % min(len(content), 1500)] = byte
    content = bytes(content[: max(1, len(content) - end)])
    if recordings.sort_of(content[:64]) is None:
        return
    try:
        found, bare = taken(content)
    except Invalid:
        return
    assert found.facts.get("duration", 1) > 0
    assert len(bare) == len(content), "in place: nothing else moved"


@given(st.binary(max_size=64))
def test_no_bytes_at_all_break_the_telling(head):
    assert recordings.sort_of(head) in {None, "wav", "ogg", "flac", "mp3", "webm", "boxes"}
