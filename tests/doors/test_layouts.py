"""A requester's layouts: kept, written anew, removed, and seen while they are written."""

import pytest

from broker.errors import Conflict, Invalid, NotFound
from broker.services import layouts
from broker.services.layouts import Draft

PAGE = '<form><p>${text} and ${text}</p><input name="a" value="${Start}"></form>'


@pytest.fixture
def rita(site):
    return site.logged_in("rita", "requester")


def save(visitor, path="/layouts/new", **typed):
    sent = {"title": "Tone", "html": PAGE, "height": "0", **typed}
    return visitor.post(path, sent, page="/account")


def test_a_layout_is_kept_shown_with_its_parameters_and_written_anew(rita):
    kept = save(rita)
    assert kept.status_code == 303
    assert "text, Start" in rita.get("/layouts").text
    again = save(rita, kept.location, title="Tone of a message", html="<form>${other}</form>", height="300")
    assert again.location == kept.location
    shown = rita.get(kept.location).text
    assert "Tone of a message" in shown
    assert 'value="300"' in shown
    assert rita.post(f"{kept.location}/remove", page="/account").status_code == 303
    assert rita.get(kept.location).status_code == 404


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"title": " "}, "write 1 to 200 characters"),
        ({"html": " "}, "write the page"),
        ({"html": "x" * 65_536}, "65,536 bytes are more than 65,535"),
        ({"height": "tall"}, "is no whole number"),
        ({"height": "-1"}, "give 0 to 10,000 pixels"),
    ],
)
def test_what_is_no_layout_is_refused_beside_its_field_and_stays_in_the_form(rita, typed, said):
    refused = save(rita, **typed)
    assert refused.status_code == 422
    assert said in refused.text
    assert "&lt;form&gt;" in refused.text or "html" in typed
    assert "No layouts yet" in rita.get("/layouts").text


def test_a_stranger_s_layout_does_not_exist(site, rita):
    path = save(rita).location
    other = site.logged_in("rob", "requester")
    assert other.get(path).status_code == 404
    assert save(other, path).status_code == 404
    assert other.post(f"{path}/remove", page="/account").status_code == 404
    assert "No layouts yet" in other.get("/layouts").text
    assert rita.get(path).status_code == 200


def test_a_layout_in_the_making_is_sandboxed_and_only_shown_to_a_form_of_ours(rita):
    assert rita.client.post("/frame/layout", data={"html": PAGE}).status_code == 400
    found = rita.post("/frame/layout", {"html": PAGE}, page="/account")
    assert "<p>${text} and ${text}</p>" in found.text
    assert found.headers["Content-Security-Policy"].startswith("sandbox")
    page = rita.get("/layouts/new")
    assert "frame-src localhost/frame/;" in page.headers["Content-Security-Policy"]
    assert 'sandbox="allow-scripts allow-forms"' in page.text


def test_parameters_are_filled_in_as_they_are(site):
    rita = site.enlist("rita", "requester")
    with site.store.write() as unit:
        layout = layouts.keep(unit, rita.id, Draft("Tone", PAGE, 400), site.clock())
        given = {"text": "<b>${Start}</b>", "Start": "1"}
        question = layouts.question(unit, layout, rita.id, given)
    assert question.content == '<form><p><b>${Start}</b> and <b>${Start}</b></p><input name="a" value="1"></form>'
    assert (question.sort, question.height) == ("html", 400)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"text": "x"}, "'Start': the layout needs this parameter"),
        ({"text": "x", "Start": "1", "end": "2"}, "'end': the layout has no such parameter"),
        ({"text": "x" * 40_000, "Start": "1"}, "bytes, more than 65,535"),
    ],
)
def test_parameters_that_do_not_fit_are_refused_by_name(site, given, said):
    rita = site.enlist("rita", "requester")
    with site.store.write() as unit:
        layout = layouts.keep(unit, rita.id, Draft("Tone", PAGE), site.clock())
        with pytest.raises(Invalid, match=said):
            layouts.question(unit, layout, rita.id, given)


def test_a_layout_is_its_requester_s_and_there_are_so_many(site, monkeypatch):
    rita, rob = site.enlist("rita", "requester"), site.enlist("rob", "requester")
    monkeypatch.setattr(layouts, "MOST", 2)
    with site.store.write() as unit:
        first = layouts.keep(unit, rita.id, Draft("Tone", PAGE), site.clock())
        layouts.keep(unit, rita.id, Draft("Tone", PAGE), site.clock())
        with pytest.raises(Conflict, match="2 layouts already"):
            layouts.keep(unit, rita.id, Draft("Tone", PAGE), site.clock())
        with pytest.raises(NotFound):
            layouts.question(unit, first, rob.id, {})
