"""A ZIP of one table and the files that its rows name."""

import io
import json

import pytest

from broker.errors import Invalid
from broker.formats import zip as zip_
from broker.formats.rows import Bookmark
from tests.formats.recorded import mp4, tone
from tests.formats.samples import packed, png, read_all, resume_everywhere

FILES = [("pics/a.png", png(5, 6)), ("pics/b.jpg", png(7, 8, "JPEG")), ("talk.wav", tone())]
TABLE = (
    "id,picture,sound,note\n1,pics/a.png,talk.wav,first\n2,./pics/b.jpg,,pics/a.png is nice\n3,pics\\a.png,talk.wav,\n"
)


def bundle(table=TABLE, name="data.csv", files=FILES):
    return packed([(name, table.encode()), *files])


def test_rows_come_from_the_table_with_the_files_they_name():
    rows, problems = read_all(zip_.read, bundle())
    assert problems == []
    assert [row.payload["id"] for row in rows] == ["1", "2", "3"]
    assert [sorted(row.files) for row in rows] == [["picture", "sound"], ["picture"], ["picture", "sound"]]
    first = rows[0].files["picture"]
    assert (first.medium, first.sort, first.facts, first.content) == (
        "image",
        "png",
        {"width": 5, "height": 6},
        FILES[0][1],
    )
    assert rows[0].files["sound"].facts["duration"] == 1.5
    assert rows[0].payload["picture"] == "pics/a.png", "the requester's own name stays in the row"


def test_a_file_that_many_rows_name_is_taken_once():
    rows, _ = read_all(zip_.read, bundle())
    assert rows[2].files["picture"] == rows[0].files["picture"]._replace(content=None)


def test_json_lines_and_files_beside_the_table_in_a_folder_do_too():
    lines = "".join(json.dumps({"clip": "one.mp4", "n": number}) + "\n" for number in (1, 2))
    rows, problems = read_all(zip_.read, bundle(lines, "set/rows.jsonl", [("set/one.mp4", mp4())]))
    assert problems == []
    assert [(row.payload["n"], row.files["clip"].sort) for row in rows] == [(1, "mp4"), (2, "mp4")]


def test_a_cell_that_names_no_file_is_a_problem_with_row_column_and_value():
    _, problems = read_all(zip_.read, bundle(TABLE + "4,pics/c.png,,\n"))
    assert [str(one) for one in problems] == ["row 4, column 'picture': pics/c.png: names no file of the ZIP"]


def test_a_file_of_a_broken_row_comes_with_the_next_row_that_names_it():
    table = "picture,sound\npics/a.png,none.wav\npics/a.png,talk.wav\n"
    rows, problems = read_all(zip_.read, bundle(table))
    assert [one.row for one in problems] == [1]
    assert rows[0].files["picture"].content == FILES[0][1], "nobody has kept it yet"


def test_a_file_that_is_no_medium_is_a_problem_of_its_row():
    _, problems = read_all(zip_.read, bundle("picture\npics/a.png\nx.txt\n", files=[*FILES, ("x.txt", b"hello")]))
    assert str(problems[0]).startswith("row 2, column 'picture': x.txt: not an image")


def test_several_tables_are_refused():
    with pytest.raises(Invalid, match="several tables"):
        read_all(zip_.read, bundle(files=[*FILES, ("more.tsv", b"a\tb\n")]))


def test_a_table_that_names_no_file_is_refused_with_a_way_out():
    with pytest.raises(Invalid, match="names none of the ZIP's files"):
        read_all(zip_.read, bundle("id,label\na,cat\nb,dog\n"))


def test_a_table_alone_is_a_table():
    rows, _ = read_all(zip_.read, bundle("id,text\n1,hello\n", files=[]))
    assert [(row.payload, dict(row.files)) for row in rows] == [({"id": "1", "text": "hello"}, {})]


def test_the_first_look_tells_the_columns_and_decodes_nothing():
    broken = [(name, b"no image at all") for name, _ in FILES]
    assert zip_.look(io.BytesIO(bundle(files=broken))) == ["id", "picture", "sound", "note"]
    assert zip_.look(io.BytesIO(packed(FILES))) == []
    with pytest.raises(Invalid, match="no rows"):
        zip_.look(io.BytesIO(packed([])))


def test_reading_goes_on_after_any_row_as_if_it_had_never_stopped():
    def rows(stream, start=Bookmark(), limits=None):  # noqa: B008 - a bookmark is a tuple
        for item in zip_.read(stream, start, *([limits] if limits else [])):
            # A file that an earlier row brought comes again with the first row that is read.
            yield item._replace(files={name: one._replace(content=None) for name, one in item.files.items()})

    resume_everywhere(rows, bundle())
    resumed = list(zip_.read(io.BytesIO(bundle()), Bookmark(rows_offset(1), 1)))
    assert resumed[0].files["picture"].content is not None


def rows_offset(number):
    rows, _ = read_all(zip_.read, bundle())
    return rows[number - 1].offset


def test_recordings_alone_are_rows_of_their_own():
    rows, problems = read_all(zip_.read, packed([("a.mp3", tone()), ("b.png", mp4()), ("c.bin", tone(kind="FLAC"))]))
    assert problems == []
    assert [row.payload for row in rows] == [
        {"name": "a.mp3", "media_type": "audio/wav", "duration": 1.5},
        {"name": "b.png", "media_type": "video/mp4", "width": 640, "height": 360, "duration": 2.5},
        {"name": "c.bin", "media_type": "audio/flac", "duration": 1.5},
    ]
