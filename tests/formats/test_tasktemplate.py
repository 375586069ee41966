"""What Ground Truth's task templates ask."""

import pytest

from broker.formats import tasktemplate

SCRIPT = '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>'
BOXES = f"""{SCRIPT}
<crowd-form>
  <crowd-bounding-box name="boundingBox" src="{{{{ task.input.taskObject | grant_read_access }}}}"
    header="Draw a box around each animal" labels="{{{{ task.input.labels | to_json | escape }}}}">
    <full-instructions header="How"><p>Draw <b>tight</b> boxes.</p><ol><li>Each animal.</li></ol></full-instructions>
    <short-instructions>Tight boxes.</short-instructions>
  </crowd-bounding-box>
</crowd-form>"""
TEXT = f"""{SCRIPT}<crowd-form><crowd-classifier name="sentiment" header="How does it sound?"
  categories="{{{{ task.input.labels | to_json | escape }}}}">
  <classification-target>{{{{ task.input.source }}}}</classification-target></crowd-classifier></crowd-form>"""


def test_a_template_of_one_known_element_is_a_built_in_task():
    found = tasktemplate.known(BOXES)
    assert (found.kind, found.task_type, found.settings) == ("boxes", "object-detection", {"media": "image"})
    assert found.header == "Draw a box around each animal"
    assert found.instructions == "Draw tight boxes.\n\nEach animal.\n\nTight boxes."


def test_a_classifier_shows_a_text_or_an_image():
    assert tasktemplate.known(TEXT).task_type == "text-classification"
    image = TEXT.replace("{{ task.input.source }}", '<img src="{{ task.input.source-ref | grant_read_access }}">')
    found = tasktemplate.known(image)
    assert (found.task_type, found.settings) == ("image-classification", {"media": "image", "many": False})
    several = TEXT.replace("crowd-classifier", "crowd-classifier-multi-select")
    assert tasktemplate.known(several).settings["many"] is True


@pytest.mark.parametrize(
    "change",
    [
        ("</crowd-form>", '<input name="why"></crowd-form>'),
        ("</crowd-form>", "<crowd-text-area name=why></crowd-text-area></crowd-form>"),
        ("</crowd-form>", "<script>document.title</script></crowd-form>"),
        ("crowd-classifier", "crowd-card"),
        ("task.input.labels", "task.input.choices"),
        ("task.input.source", "task.input.question"),
        ("{{ task.input.source }}", "{% if task.input.source %}{{ task.input.source }}{% endif %}"),
    ],
)
def test_a_template_that_asks_for_more_is_a_page_of_its_own(change):
    assert tasktemplate.known(TEXT.replace(*change)) is None


def test_a_page_of_its_own_still_tells_the_type_of_its_labels():
    assert tasktemplate.task_type(BOXES.replace("</crowd-form>", "<input name=a></crowd-form>")) == "object-detection"
    assert tasktemplate.task_type("<crowd-form><crowd-input name=a></crowd-input></crowd-form>") == "custom"
