"""Subtitles, read back by webvtt-py and srt."""

import datetime as dt
import io
import zipfile

import pytest
import srt
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from broker.annotation.labelled import Labelled
from tests.formats.labelled_texts import labelled, written

NASTY = "a --> b & <b>c</b> 👋🏽"


def files(name, items):
    with zipfile.ZipFile(io.BytesIO(written(name, items))) as archive:
        return {one: archive.read(one).decode() for one in archive.namelist()}


def times(cue):
    """Start and end in milliseconds."""
    both = (cue.start_time, cue.end_time)
    return tuple(((one.hours * 60 + one.minutes) * 60 + one.seconds) * 1000 + one.milliseconds for one in both)


def said(text, *segments, **more):
    listed = [{"start": start, "end": end, "text": words} for start, end, words in segments]
    return Labelled(1, more.pop("name", "1.mp3"), {}, {"annotation": {"text": text, "segments": listed, **more}}, 1.0)


def test_segments_come_back_by_webvtt_with_times_and_speakers():
    (content,) = files("webvtt", [labelled("transcription", 1)]).values()
    cues = list(webvtt.from_string(content))
    assert [times(cue) for cue in cues] == [(705, 2114), (2500, 4000)]
    assert [(cue.voice, cue.text) for cue in cues] == [("A", "How are you?"), ("B", "Fine, thanks.")]


def test_segments_come_back_by_srt():
    (content,) = files("srt", [labelled("transcription", 1)]).values()
    first, second = srt.parse(content)
    assert (first.start, first.end) == (dt.timedelta(milliseconds=705), dt.timedelta(milliseconds=2114))
    assert (first.index, second.index, second.content) == (1, 2, "B: Fine, thanks.")


def test_events_are_cues_in_the_order_of_time():
    (content,) = files("webvtt", [labelled("events")]).values()
    assert [(cue.start, cue.text) for cue in webvtt.from_string(content)] == [
        ("00:00:12.480", "goal"),
        ("00:00:14.000", "foul"),
    ]


def test_a_text_without_segments_is_one_cue_over_the_recording():
    (content,) = files("srt", [labelled("transcription")]).values()
    (cue,) = srt.parse(content)
    assert (cue.end.total_seconds(), cue.content) == (60.04, "Good morning, Ada.")
    (cue,) = srt.parse(*files("srt", [said("one two three four five")]).values())
    assert cue.end.total_seconds() == 2


def test_signs_of_the_format_stay_text():
    (content,) = files("webvtt", [said(NASTY, (0, 1, NASTY))]).values()
    (cue,) = webvtt.from_string(content)
    assert content.count("-->") == 1
    assert cue.raw_text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == NASTY
    (cue,) = srt.parse(*files("srt", [said(NASTY, (0, 1, NASTY))]).values())
    assert cue.content == NASTY.replace("-->", "→")


@pytest.mark.parametrize("name", ["webvtt", "srt"])
def test_every_recording_has_a_file_of_its_own_that_unpacks_inside_the_folder(name):
    names = ["a/b.mp3", "a/b.wav", "../../etc/passwd", "/root.mp3", "C:\\x.mp3", "..", "a?b.mp3"]
    found = files(name, [said("hi", name=one) for one in names])
    suffix = {"webvtt": ".vtt", "srt": ".srt"}[name]
    assert len(found) == len(names)
    assert set(found) >= {f"a/b{suffix}", f"a/b-2{suffix}", f"etc/passwd{suffix}", f"root{suffix}", f"a_b{suffix}"}
    assert not any(one.startswith("/") or ".." in one.split("/") or "\\" in one or ":" in one for one in found)


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 10**6), st.text(min_size=1, max_size=20)), max_size=5))
def test_any_segments_come_back_by_both(segments):
    listed = [(start / 1000, (start + long) / 1000, " ".join(text.split())) for start, long, text in segments]
    listed = sorted(one for one in listed if one[2].isprintable() and one[2])
    item = said(" ".join(text for *_, text in listed), *listed)
    wanted = [(round(start * 1000), round(end * 1000)) for start, end, _ in listed]
    (content,) = files("srt", [item]).values()
    cues = list(srt.parse(content))
    assert [(round(one.start.total_seconds() * 1000), round(one.end.total_seconds() * 1000)) for one in cues] == wanted
    assert [one.content for one in cues] == [text.replace("-->", "→") for *_, text in listed]
    (content,) = files("webvtt", [item]).values()
    cues = list(webvtt.from_string(content))
    assert [times(one) for one in cues] == wanted
