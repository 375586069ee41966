"""HITs by a HITLayoutId: the page is the layout's, its parameters the caller's."""

import pytest

from broker.formats.questions import read_question
from broker.services import layouts
from broker.services.layouts import Draft
from tests.mturk.conftest import HIT, QUESTION, refused

CODE = "AWS.MechanicalTurk.InvalidParameterValue"
WANTED = {name: value for name, value in HIT.items() if name != "Question"}
GIVEN = [{"Name": "text", "Value": "Never again & <b>never</b>."}]


@pytest.fixture
def owner(api):
    """A requester: the row, and a client."""
    return api.requester()


@pytest.fixture
def ada(owner):
    """The requester's client."""
    return owner[1]


@pytest.fixture
def layout(api, owner):
    """A layout of the requester's."""
    with api.store.write() as unit:
        number = layouts.keep(unit, owner[0].id, Draft("Tone", "<form><p>${text}</p></form>", 450), api.clock())
    return api.site.broker.names("L").show(number)


def test_a_hit_of_a_layout_has_its_page_filled_in(ada, layout):
    made = ada.create_hit(**WANTED, HITLayoutId=layout, HITLayoutParameters=GIVEN)["HIT"]
    question = read_question(made["Question"])
    assert (question.sort, question.height) == ("html", 450)
    assert question.content == "<form><p>Never again & <b>never</b>.</p></form>"
    assert made["HITLayoutId"] == layout


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "'text': the layout needs this parameter"),
        ({"HITLayoutParameters": [*GIVEN, {"Name": "x", "Value": "y"}]}, "'x': the layout has no such parameter"),
        ({"HITLayoutParameters": GIVEN, "Question": QUESTION}, "not both"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(ada, layout, more, said):
    code, words = refused(ada.create_hit, **WANTED, HITLayoutId=layout, **more)
    assert code == CODE
    assert said in words


def test_a_stranger_s_layout_does_not_exist(api, layout):
    _, rob = api.requester("rob")
    code, words = refused(rob.create_hit, **WANTED, HITLayoutId=layout, HITLayoutParameters=GIVEN)
    assert (code, words) == (CODE, f"The HITLayout {layout} does not exist.")
