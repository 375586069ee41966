"""Ground Truth's manifests, against the examples of AWS's developer guide."""

import datetime as dt
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Invalid, Problem
from broker.formats import manifest
from broker.formats.limits import Limits
from broker.formats.manifest import Category, Found

THEN = dt.datetime(2018, 10, 18, 22, 18, 13, 527256, tzinfo=dt.UTC)
ANIMALS = [Category("dog"), Category("cat"), Category("bone", "bn")]


def entries(*lines):
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return list(manifest.read(io.BytesIO(text.encode()), Limits()))


def written(task_type, answer, confidence=0.8, categories=ANIMALS, **more):
    return manifest.label(task_type, Found(answer, confidence, THEN, **more), categories)


def test_a_line_is_a_text_or_a_reference_with_everything_else_beside_it():
    first, second = entries(
        {"source": "Lorem ipsum", "id": 7, "nested": {"a": [1]}}, {"source-ref": "s3://bucket-1/a b/ü.png"}
    )
    assert (first.source, first.is_reference, first.line["nested"]) == ("Lorem ipsum", False, {"a": [1]})
    assert (second.row, second.source, second.is_reference) == (2, "s3://bucket-1/a b/ü.png", True)


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        ({"id": 1}, None, "neither"),
        ({"source": "a", "source-ref": "s3://bucket/a"}, None, "both"),
        ({"source": " "}, "source", "empty"),
        ({"source": 3}, "source", "no text"),
        ({"source-ref": "https://example.org/a.png"}, "source-ref", "s3://bucket/key"),
        ({"source-ref": "s3://bucket/"}, "source-ref", "s3://bucket/key"),
        ({"source-ref": "s3://../etc/passwd"}, "source-ref", "s3://bucket/key"),
        ("[1]", None, "object"),
        ("{", None, "not JSON"),
    ],
)
def test_a_faulty_line_is_named(line, column, words):
    good, bad = entries({"source": "a"}, line)
    assert good.row == 1
    assert isinstance(bad, Problem)
    assert (bad.row, bad.column) == (2, column)
    assert words in bad.message


def test_labels_come_from_the_category_file_with_their_short_names():
    text = (
        '{"document-version": "2018-11-28", "labels": [{"label": "Verb", "shortDisplayName": "vb"}, {"label": "Noun"}]}'
    )
    assert manifest.read_categories(text.encode()) == [Category("Verb", "vb"), Category("Noun")]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"labels": []}', '{"labels": [{"label": 1}]}', '{"labels": ["a"]}', "[" * 10_000]
)
def test_a_category_file_without_labels_is_refused(text):
    with pytest.raises(Invalid, match="label"):
        manifest.read_categories(text.encode())


def test_a_label_that_stands_there_twice_is_named():
    with pytest.raises(Invalid, match="'a' stands there twice"):
        manifest.read_categories(b'{"labels": [{"label": "a"}, {"label": "a"}]}')


@pytest.mark.parametrize(
    ("name", "task_type", "fine"),
    [
        ("species", "image-classification", True),
        ("my-job-2", "custom", True),
        ("city-ref", "semantic-segmentation", True),
        ("city", "semantic-segmentation", False),
        ("city-ref", "object-detection", False),
        ("a-metadata", "custom", False),
        ("-a", "custom", False),
        ("a_b", "custom", False),
        ("", "custom", False),
        ("a" * 128, "custom", False),
    ],
)
def test_attribute_names_are_those_that_ground_truth_takes(name, task_type, fine):
    if fine:
        manifest.check_attribute(name, task_type)
        return
    with pytest.raises(Invalid, match="attribute"):
        manifest.check_attribute(name, task_type)


def test_a_classification_is_an_index_with_its_name():
    value, about = written("image-classification", {"crowd-image-classifier": {"label": "cat"}}, 0.94)
    line = manifest.augmented(
        {"source-ref": "s3://bucket/a.jpg"}, "species", value,
        about | manifest.metadata("image-classification", "identify-animal-species", THEN),
    )  # fmt: skip
    assert line == {
        "source-ref": "s3://bucket/a.jpg",
        "species": 1,
        "species-metadata": {
            "class-name": "cat",
            "confidence": 0.94,
            "type": "groundtruth/image-classification",
            "job-name": "labeling-job/identify-animal-species",
            "human-annotated": "yes",
            "creation-date": "2018-10-18T22:18:13.527256",
        },
    }


def test_several_labels_are_indexes_with_maps():
    value, about = written("text-classification-multilabel", {"category": {"labels": ["bone", "dog"]}}, 0.75)
    assert value == [2, 0]
    assert about == {"class-map": {"2": "bone", "0": "dog"}, "confidence-map": {"2": 0.75, "0": 0.75}}


def test_boxes_come_with_the_size_of_their_image():
    boxes = [{"label": "bone", "left": 161, "top": 250, "width": 30, "height": 31}]
    answer = {"boundingBox": {"boundingBoxes": boxes, "inputImageProperties": {"width": 500, "height": 400}}}
    value, about = written("object-detection", answer, 0.9)
    assert value == {
        "image_size": [{"width": 500, "height": 400, "depth": 3}],
        "annotations": [{"class_id": 2, "left": 161, "top": 250, "width": 30, "height": 31}],
    }
    assert about == {"objects": [{"confidence": 0.9}], "class-map": {"2": "bone"}}


def test_entities_come_with_all_labels_and_a_confidence_each():
    answer = {"entities": [{"label": "dog", "startOffset": 0, "endOffset": 3}]}
    value, about = written("text-span", answer, 0.0)
    assert value["annotations"]["labels"] == [
        {"label": "dog"}, {"label": "cat"}, {"label": "bone", "shortDisplayName": "bn"},
    ]  # fmt: skip
    assert value["annotations"]["entities"] == answer["entities"]
    assert about == {"entities": [{"confidence": 0.0}]}


def test_a_mask_is_a_reference_with_its_colours():
    answer = {"labelMappings": {"bone": {"color": "#f28333"}, "dog": {"color": "#2acf59"}}}
    value, about = written("semantic-segmentation", answer, 0.9, reference="s3://bucket/masks/0.png")
    assert value == "s3://bucket/masks/0.png"
    assert about == {
        "internal-color-map": {
            "0": {"class-name": "BACKGROUND", "hex-color": "#ffffff", "confidence": 0.9},
            "1": {"class-name": "dog", "hex-color": "#2acf59", "confidence": 0.9},
            "3": {"class-name": "bone", "hex-color": "#f28333", "confidence": 0.9},
        }
    }


def test_a_verification_has_the_comments_of_workers():
    value, about = written("label-verification", {"x": {"label": "cat"}}, comments=["too wide"])
    assert (value, about["class-name"], about["worker-feedback"]) == ("1", "cat", [{"comment": "too wide"}])
    assert "worker-feedback" not in written("label-verification", {"x": {"label": "cat"}})[1]


def test_a_page_of_ones_own_gives_its_answer_as_it_is():
    assert written("custom", {"a": "b", "n": 3}) == ({"a": "b", "n": 3}, {"confidence": 0.8})


@pytest.mark.parametrize(
    ("task_type", "answer"),
    [
        ("image-classification", {"category": {"label": "cow"}}),
        ("image-classification", {"boxes": []}),
        ("object-detection", {"a": {"boundingBoxes": []}}),
        ("semantic-segmentation", {"labelMappings": {}}),
        ("3d-point-cloud", {}),
    ],
)
def test_an_answer_of_another_type_is_refused(task_type, answer):
    with pytest.raises(Invalid):
        written(task_type, answer)


names = st.text("abcdefghij-", min_size=1, max_size=8)
# NUL is refused where lines are read: no database of ours could hold it.
texts = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
plain = st.none() | st.booleans() | st.integers() | st.text(texts, max_size=5)
values = st.recursive(plain, st.lists, max_leaves=4)


@given(st.dictionaries(names, values, max_size=4), st.text(texts, min_size=1, max_size=20).filter(str.strip))
def test_an_output_manifest_is_the_next_input_with_every_line_whole(more, text):
    line = {**more, "source": text}
    value, about = written("text-classification", {"category": {"label": "dog"}})
    out = manifest.augmented(line, "mood", value, about)
    (again,) = entries(json.dumps(out))
    assert again.line == out
    assert {name: again.line[name] for name in line if name != "mood"} == {n: line[n] for n in line if n != "mood"}
