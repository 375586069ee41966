"""Ground Truth's jobs, in and out: a manifest, a template and labels; an output manifest, and what workers said."""

import base64
import io
import json
import re

import pytest
from PIL import Image

from broker.store import jobs
from broker.store.jobs import Job, JobState
from tests.cli.brought import Site

SCRIPT = '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>'
MOOD = f"""{SCRIPT}
<crowd-form><crowd-classifier name="mood" header="How does it sound?"
  categories="{{{{ task.input.labels | to_json | escape }}}}">
  <classification-target>{{{{ task.input.taskObject }}}}</classification-target>
  <full-instructions>Read it <b>all</b>.</full-instructions>
</crowd-classifier></crowd-form>"""
OWN = f"""{SCRIPT}
<crowd-form><p>{{{{ task.input.taskObject }}}}</p><img src="{{{{ task.input.source-ref | grant_read_access }}}}">
<crowd-input name="caption" required></crowd-input></crowd-form>"""
BOXES = f"""{SCRIPT}
<crowd-form><crowd-bounding-box name="boundingBox" labels="{{{{ task.input.labels | to_json | escape }}}}"
  src="{{{{ task.input.source-ref | grant_read_access }}}}"></crowd-bounding-box>
  <crowd-input name="why"></crowd-input></crowd-form>"""
LABELS = {"document-version": "2018-11-28", "labels": [{"label": "good"}, {"label": "bad"}]}
TEXTS = [{"source": "Lovely", "id": 7, "meta": {"a": [1]}}, {"source": "Awful"}, {"source": "So so"}]
FUNCTIONS = {"pre": "tests.cli.lambdas:pre", "picky": "tests.cli.lambdas:picky", "post": "tests.cli.lambdas:post"}
FUNCTIONS |= {name: f"tests.cli.lambdas:{name}" for name in ("raises", "crashes")}


@pytest.fixture
def site(tmp_path, monkeypatch):
    """An installation with a bucket of two pictures."""
    monkeypatch.syspath_prepend(".")
    monkeypatch.setenv("PYTHONPATH", ".")
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    for number, colour in enumerate(("red", "green")):
        Image.new("RGB", (40 + number, 30), colour).save(bucket / f"{number}.png")
    found = Site(tmp_path, buckets={"pictures": bucket.as_uri()}, functions=FUNCTIONS, function_seconds=20)
    yield found
    found.close()


def given(site, lines, template, labels=LABELS, name="moods"):
    """The three files, and the arguments that name them."""
    for ending, text in (
        ("manifest", "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)),
        ("liquid.html", template),
        ("json", json.dumps(labels)),
    ):
        (site.folder / f"{name}.{ending}").write_text(text)
    files = [f"--manifest={site.folder / name}.manifest", f"--template={site.folder / name}.liquid.html"]
    return ["import", "groundtruth", *files, f"--labels={site.folder / name}.json"]


def imported(site, lines, template, *more, **files):
    """A published job's public id."""
    said = site.done(*given(site, lines, template, **files), "--publish", *more)
    return re.search(r"^(\w+) is open to workers", said)[1]


def exported(site, job, name="moods", folder="out"):
    """The lines of the output manifest."""
    site.done("export", "groundtruth", job, "--to", site.folder / folder)
    return lines_of(site.folder / folder / name / "manifests/output/output.manifest")


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def row_of(site, job):
    with site.broker.store.read() as unit:
        return jobs.job(unit, site.broker.names("J").read(job))


def mood(place, payload):
    """Everybody finds the first good and the second bad; they part on the third."""
    text = payload.get("source") or payload["taskObject"]
    return {"category": {"label": {"Lovely": "good", "Awful": "bad"}.get(text, ("good", "bad", "bad")[place])}}


def test_a_built_in_task_comes_in_is_worked_on_and_goes_home_as_an_output_manifest(site):
    job = imported(site, TEXTS, MOOD)
    row = row_of(site, job)
    assert (row.kind, row.title, row.guide, row.redundancy) == ("choice", "How does it sound?", "Read it all.", 3)
    site.work(job, mood)
    lines = exported(site, job)
    assert [line["moods"] for line in lines[:2]] == [0, 1]
    about = lines[0].pop("moods-metadata")
    assert lines[0] == {**TEXTS[0], "moods": 0}
    assert 0.5 < about.pop("confidence") <= 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", about.pop("creation-date"))
    assert about == {
        "class-name": "good",
        "type": "groundtruth/text-classification",
        "job-name": "labeling-job/moods",
        "human-annotated": "yes",
    }


def test_each_worker_s_answer_is_written_beside_it_with_times(site):
    job = imported(site, TEXTS, MOOD)
    site.work(job, mood)
    exported(site, job)
    home = site.folder / "out" / "moods" / "annotations"
    (file,) = (home / "worker-response" / "iteration-1" / "2").iterdir()
    answers = json.loads(file.read_text())["answers"]
    assert [one["answerContent"]["category"]["label"] for one in answers] == ["good", "bad", "bad"]
    assert [one["workerId"] for one in answers] == [one.public_id for one in site.crowd]
    assert answers[0]["timeSpentInSeconds"] == 6.5
    assert answers[0]["workerMetadata"]["identityData"]["sub"] == site.crowd[0].public_id
    moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert re.fullmatch(moment, answers[0]["acceptanceTime"])
    assert re.fullmatch(moment, answers[0]["submissionTime"])
    assert answers[0]["acceptanceTime"] < answers[0]["submissionTime"]
    (response,) = (home / "consolidated-annotation" / "consolidation-response" / "iteration-1").iterdir()
    assert [one["datasetObjectId"] for one in json.loads(response.read_text())] == ["0", "1", "2"]


def test_one_worker_s_word_has_no_confidence_and_a_line_without_a_label_is_as_it_was(site):
    job = imported(site, TEXTS, MOOD, "--workers", 1)
    number = site.broker.names("J").read(job)
    site.work(job, lambda place, payload: {"category": {"label": "bad"}}, site.crowd[:1])
    assert {line["moods-metadata"]["confidence"] for line in exported(site, job)} == {0.0}
    other = imported(site, TEXTS, MOOD, name="fresh")
    assert exported(site, other, "fresh") == TEXTS
    assert number != site.broker.names("J").read(other)


def test_an_output_manifest_is_the_next_job_s_input(site):
    first = imported(site, TEXTS, MOOD)
    site.work(first, mood)
    chained = exported(site, first)
    second = imported(site, chained, MOOD, "--attribute", "again", name="second")
    site.work(second, lambda place, payload: {"category": {"label": "bad"}})
    lines = exported(site, second, "second")
    assert [(line["moods"], line["again"]) for line in lines[:2]] == [(0, 1), (1, 1)]
    assert lines[0]["moods-metadata"] == chained[0]["moods-metadata"]
    assert lines[0]["meta"] == {"a": [1]}


def test_a_page_of_its_own_is_shown_unchanged_and_its_answers_are_custom_labels(site):
    lines = [{"source-ref": f"s3://pictures/{number}.png"} for number in range(2)]
    job = imported(site, lines, OWN, "--reward", "0.05", "--title", "Captions", name="captions")
    row = row_of(site, job)
    assert (row.kind, row.settings, row.reward) == ("page", {"template": OWN}, 50_000)
    site.work(job, lambda place, payload: {"caption": payload["source-ref"][-5:]})
    found = exported(site, job, "captions")
    assert [line["captions"] for line in found] == [{"caption": "0.png"}, {"caption": "1.png"}]
    assert found[0]["captions-metadata"]["type"] == "groundtruth/custom"


def test_boxes_of_a_page_of_its_own_become_object_detection(site):
    lines = [{"source-ref": "s3://pictures/0.png"}]
    job = imported(site, lines, BOXES, "--workers", 3, name="animals")
    box = {"label": "bad", "left": 1, "top": 2, "width": 3, "height": 4}
    answer = {"boundingBox": {"boundingBoxes": [box], "inputImageProperties": {"width": 40, "height": 30}}, "why": "so"}
    site.work(job, lambda place, payload: answer)
    (line,) = exported(site, job, "animals")
    assert line["animals"] == {
        "image_size": [{"width": 40, "height": 30, "depth": 3}],
        "annotations": [{"class_id": 1, "left": 1, "top": 2, "width": 3, "height": 4}],
    }
    assert line["animals-metadata"]["class-map"] == {"1": "bad"}


def test_a_mask_is_written_as_a_picture_that_the_manifest_refers_to(site):
    mask = Image.new("RGBA", (40, 30), (0, 0, 0, 0))
    mask.putpixel((3, 4), (44, 160, 44, 255))
    with io.BytesIO() as target:
        mask.save(target, "PNG")
        text = base64.b64encode(target.getvalue()).decode()
    template = BOXES.replace("crowd-bounding-box", "crowd-semantic-segmentation")
    job = imported(site, [{"source-ref": "s3://pictures/0.png"}], template, name="streets")
    answer = {"boundingBox": {"labeledImage": {"pngImageData": text}, "labelMappings": {"bad": {"color": "#2ca02c"}}}}
    site.work(job, lambda place, payload: answer)
    site.done("export", "groundtruth", job, "--to", "s3://pictures/results")
    (line,) = lines_of(site.folder / "bucket/results/streets/manifests/output/output.manifest")
    assert line["streets-ref"].startswith("s3://pictures/results/streets/annotations/consolidated-annotation/output/0_")
    assert line["streets-ref-metadata"]["internal-color-map"]["2"]["hex-color"] == "#2ca02c"
    with Image.open(io.BytesIO(site.broker.buckets.read(line["streets-ref"], 10_000))) as picture:
        assert (picture.mode, picture.getpixel((3, 4)), picture.getpixel((0, 0))) == (
            "RGB", (44, 160, 44), (255, 255, 255),
        )  # fmt: skip


def test_what_is_no_mask_fails_for_its_object_alone(site):
    template = BOXES.replace("crowd-bounding-box", "crowd-semantic-segmentation")
    job = imported(site, [{"source-ref": f"s3://pictures/{one}.png"} for one in (0, 1)], template, name="streets")
    site.work(
        job, lambda place, payload: {"boundingBox": {"labeledImage": {"pngImageData": "%%"}, "labelMappings": {}}}
    )
    code, output = site.run("export", "groundtruth", job, "--to", site.folder / "out")
    assert code == 1
    assert "2 objects failed" in output
    assert "row 1: the answer's picture is no PNG" in output


def test_images_of_a_built_in_task_are_kept_like_uploads(site):
    template = MOOD.replace("crowd-classifier", "crowd-image-classifier").replace(
        "<classification-target>", '<img src="{{ task.input.source-ref | grant_read_access }}"><classification-target>'
    )
    lines = [{"source-ref": f"s3://pictures/{number}.png"} for number in range(2)]
    job = imported(site, lines, template)
    seen = []
    site.work(job, lambda place, payload: seen.append(payload) or {"category": {"label": "good"}})
    assert seen[0]["source-ref"] == "s3://pictures/0.png"
    key = seen[0]["_image"].rpartition(".")[0]
    assert site.broker.files.read(key) == (site.folder / "bucket" / "0.png").read_bytes()
    assert [line["moods-metadata"]["type"] for line in exported(site, job)] == ["groundtruth/image-classification"] * 2


def test_a_pre_annotation_function_makes_the_task_s_input(site):
    job = imported(site, TEXTS, MOOD, "--pre", "arn:aws:lambda:us-east-1:111122223333:function:pre")
    seen = []
    site.work(job, lambda place, payload: seen.append(payload) or {"mood": {"label": "good"}})
    assert seen[0] == {"taskObject": "Lovely", "by": "pre"}
    assert row_of(site, job).kind == "page"
    assert exported(site, job)[0]["moods"] == 0


def test_an_object_that_needs_no_people_is_no_work_and_stays_as_it_was(site):
    lines = [TEXTS[0], {**TEXTS[1], "wanted": False}, TEXTS[2]]
    job = imported(site, lines, MOOD, "--pre", "picky")
    seen = []
    site.work(job, lambda place, payload: seen.append(payload["source"]) or {"mood": {"label": "bad"}})
    assert set(seen) == {"Lovely", "So so"}
    found = exported(site, job)
    assert found[1] == lines[1]
    assert [line["source"] for line in found if "moods" in line] == ["Lovely", "So so"]


@pytest.mark.parametrize(("function", "words"), [("raises", "KeyError"), ("crashes", "signal 11")])
def test_a_pre_annotation_function_that_breaks_names_the_row_and_leaves_nothing(site, function, words):
    code, output = site.run(*given(site, TEXTS, MOOD), "--pre", function)
    assert code == 2
    assert "row 1" in output
    assert words in output
    assert nothing_is_left(site)


def nothing_is_left(site):
    with site.broker.store.read() as unit:
        rows = unit.session.query(Job).count()
    return not rows and not [one for one in (site.settings.data / "files").rglob("*") if one.is_file()]


def test_a_post_annotation_function_reads_its_payload_from_s3_as_aws_s_recipe_does(site):
    job = imported(site, TEXTS, MOOD, "--post", "post", "--attribute", "feeling")
    site.work(job, lambda place, payload: {"mood": {"label": ("good", "bad", "bad")[place]}})
    found = exported(site, job)
    assert found[0]["feeling"] == {"first": {"mood": {"label": "good"}}, "workers": 3, "categories": ["good", "bad"]}
    assert found[0]["feeling-metadata"]["type"] == "groundtruth/custom"
    home = site.folder / "out/moods/annotations/consolidated-annotation"
    (request,) = (home / "consolidation-request" / "iteration-1").iterdir()
    assert json.loads(request.read_text())[0]["dataObject"] == {"content": "Lovely"}


def test_a_post_annotation_function_that_breaks_is_told_and_the_rest_is_written(site):
    job = imported(site, TEXTS, MOOD, "--post", "crashes")
    site.work(job, lambda place, payload: {"mood": {"label": "good"}})
    code, output = site.run("export", "groundtruth", job, "--to", site.folder / "out")
    assert code == 1
    assert "rows 1 to 3" in output
    assert lines_of(site.folder / "out/moods/manifests/output/output.manifest") == TEXTS


def test_every_faulty_line_is_named_and_nothing_is_imported(site):
    code, output = site.run(*given(site, [TEXTS[0], {"id": 1}, "{", {"source": ""}], MOOD))
    assert code == 2
    for words in ("3 rows", "row 2: has neither", "row 3: not JSON", "row 4, column 'source': is empty"):
        assert words in output
    assert nothing_is_left(site)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([{"source-ref": "s3://elsewhere/0.png"}], "BROKER_BUCKETS"),
        ([{"source-ref": "s3://pictures/../data/secret"}], "no address"),
        ([{"source": "a", 'b"c': 1}], "column"),
        ([{"source": "a", "_question": {"sort": "html"}}], "reserved"),
    ],
)
def test_a_line_that_leads_elsewhere_is_refused(site, lines, words):
    code, output = site.run(*given(site, lines, OWN))
    assert code == 2
    assert "row 1" in output
    assert words in output
    assert nothing_is_left(site)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--attribute", "a-metadata"], "attribute"),
        (["--task-type", "semantic-segmentation", "--attribute", "mask"], "-ref"),
        (["--post", "os:system"], "BROKER_FUNCTIONS"),
        (["--pre", "subprocess:run"], "BROKER_FUNCTIONS"),
        (["--requester", "nobody@example.org"], "no requester"),
        (["--requester", "ada@example.org"], "no requester"),
        (["--name", "x" * 64], "63"),
    ],
)
def test_what_cannot_be_is_refused_by_name(site, more, words):
    code, output = site.run(*given(site, TEXTS, MOOD), *more)
    assert code in {1, 2}
    assert words in output
    assert nothing_is_left(site)


def test_without_a_requester_s_name_there_must_be_one(site):
    site.person("rob", "requester")
    assert "There are 2 requesters" in site.run(*given(site, TEXTS, MOOD))[1]
    site.done(*given(site, TEXTS, MOOD), "--requester", "rob@example.org")


def test_by_default_it_is_a_draft_with_the_page_where_it_is_published(site):
    said = site.done(*given(site, TEXTS, MOOD))
    job = re.match(r"(\w+) is a draft: .*/jobs/\1/check", said)[1]
    row = row_of(site, job)
    assert (row.state, row.requester_id) == (JobState.DRAFT, site.rita.id)
    assert "A draft has no results" in site.run("export", "groundtruth", job, "--to", site.folder / "out")[1]


def test_the_manifest_may_lie_in_a_bucket(site):
    site.broker.buckets.write("s3://pictures/in/moods.manifest", b'{"source": "Lovely"}\n')
    arguments = given(site, TEXTS, MOOD)
    arguments[2] = "--manifest=s3://pictures/in/moods.manifest"
    job = re.match(r"\w+", site.done(*arguments, "--publish"))[0]
    assert exported(site, job) == [{"source": "Lovely"}]


SHOWN = "{{ task.input.taskObject | grant_read_access }}"


def built_in(element):
    """The template of a built-in task for images."""
    labels = "{{ task.input.labels | to_json | escape }}"
    given = f'name="x" header="Mark it" src="{SHOWN}" labels="{labels}"'
    return f"{SCRIPT}<crowd-form><{element} {given}></{element}></crowd-form>"


def test_boxes_of_a_built_in_template_are_the_kind_of_boxes(site):
    template = built_in("crowd-bounding-box")
    job = imported(site, [{"source-ref": "s3://pictures/0.png"}], template, "--workers", 3, name="animals")
    assert row_of(site, job).kind == "boxes"
    drawn = [{"label": "bad", "left": 1, "top": 2, "width": 9, "height": 8}]
    answer = {"annotatedResult": {"boundingBoxes": drawn, "inputImageProperties": {"width": 40, "height": 30}}}
    site.work(job, lambda place, payload: answer)
    (line,) = exported(site, job, "animals")
    assert line["animals"]["annotations"] == [{"class_id": 1, "left": 1, "top": 2, "width": 9, "height": 8}]
    assert line["animals"]["image_size"] == [{"width": 40, "height": 30, "depth": 3}]


def test_masks_of_a_built_in_template_are_the_kind_of_masks_and_become_a_picture(site):
    template = built_in("crowd-semantic-segmentation")
    job = imported(site, [{"source-ref": "s3://pictures/0.png"}], template, name="streets")
    assert row_of(site, job).kind == "masks"
    mask = Image.new("RGBA", (40, 30), (0, 0, 0, 0))
    for x in range(10):
        for y in range(10):
            mask.putpixel((x, y), (44, 160, 44, 255))
    with io.BytesIO() as target:
        mask.save(target, "PNG")
        text = base64.b64encode(target.getvalue()).decode()
    painted = {"labeledImage": {"pngImageData": text}, "labelMappings": {"bad": {"color": "#2ca02c"}}}
    answer = {"annotatedResult": {**painted, "inputImageProperties": {"width": 40, "height": 30}}}
    site.work(job, lambda place, payload: answer)
    site.done("export", "groundtruth", job, "--to", "s3://pictures/results")
    (line,) = lines_of(site.folder / "bucket/results/streets/manifests/output/output.manifest")
    colour = line["streets-ref-metadata"]["internal-color-map"]["2"]["hex-color"]
    with Image.open(io.BytesIO(site.broker.buckets.read(line["streets-ref"], 10_000))) as picture:
        inside, outside = picture.getpixel((9, 9)), picture.getpixel((10, 9))
    assert ("#{:02x}{:02x}{:02x}".format(*inside), outside) == (colour, (255, 255, 255))


def test_entities_of_a_built_in_template_are_the_kind_of_spans(site):
    template = built_in("crowd-entity-annotation").replace(f'src="{SHOWN}"', 'text="{{ task.input.source }}"')
    job = imported(site, [{"source": "Ada met Ben"}], template, name="names")
    assert row_of(site, job).kind == "spans"
    answer = {"annotation": {"entities": [{"label": "good", "startOffset": 0, "endOffset": 3}]}}
    site.work(job, lambda place, payload: answer)
    (line,) = exported(site, job, "names")
    assert line["names"]["annotations"]["entities"] == [{"label": "good", "startOffset": 0, "endOffset": 3}]
    assert line["names-metadata"]["type"] == "groundtruth/text-span"
