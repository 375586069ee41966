"""The frames of others' pages without a browser: whose they are, what they hold, what their headers forbid."""

import re
from html import unescape

import pytest

from tests.doors.conftest import csrf
from tests.doors.paged import external, form, html, paged_job
from tests.formats.questionforms import FORM

SITE = "https://tasks.example.org/do?x=1"


@pytest.fixture
def people(quick):
    return quick.person("rita", "requester"), quick.person("ada"), quick.person("ben")


def opened(quick, worker, job):
    """A worker's HIT: their browser, and the assignment that the page got."""
    page = quick.page(worker, job)
    return page, page.claim().get_json()["assignment"]


def framed(page, turn):
    """What the HIT's frame shows."""
    src = re.search(r'src="(/frame/[^"]+)"', turn["html"])[1]
    return page.client.get(src, follow_redirects=True)


def test_a_template_is_filled_in_with_the_item_and_nothing_of_it_is_in_the_page_around(quick, people):
    rita, ada, _ = people
    job = paged_job(quick, rita, [{"text": "<b>a & b</b>"}], "<crowd-form>{{ task.input.text }}</crowd-form>")
    page, turn = opened(quick, ada, job)
    assert "a &amp; b" not in turn["html"]
    assert "<crowd-form>&lt;b&gt;a &amp; b&lt;/b&gt;</crowd-form>" in framed(page, turn).text


def test_the_truth_of_gold_reaches_no_template(quick, people):
    rita, ada, _ = people
    items = [{"text": "a", "truth": ""}, {"text": "b", "truth": '{"answer":"the secret"}'}]
    job = paged_job(quick, rita, items, "{{ task.input | to_json }}", gold_column="truth")
    page = quick.page(ada, job)
    for _ in items:
        turn = page.claim().get_json()["assignment"]
        assert "secret" not in framed(page, turn).text
        assert page.submit(turn, {"answer": "x"}).status_code == 200


def test_the_frame_s_address_tells_a_page_what_mturk_s_pages_look_for(quick, people):
    rita, ada, _ = people
    page, turn = opened(quick, ada, paged_job(quick, rita, [html("<form><input name=a></form>")]))
    found = framed(page, turn)
    assert found.request.args.to_dict() == {
        "assignmentId": turn["id"],
        "hitId": turn["hit"],
        "workerId": ada.public_id,
        "turkSubmitTo": "http://localhost",
    }


def test_a_preview_has_no_assignment_and_no_worker(quick, people):
    rita, ada, _ = people
    job = paged_job(quick, rita, [html("<form></form>")])
    preview = quick.client(ada).get(f"/frame/job/{job}", follow_redirects=True)
    assert preview.request.args.to_dict() == {"assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE"}


def test_an_assignment_s_page_is_its_worker_s_alone(quick, people):
    rita, ada, ben = people
    page, turn = opened(quick, ada, paged_job(quick, rita, [html("<form></form>")]))
    path = f"/frame/turn/{turn['id']}"
    assert quick.client(ben).get(path).status_code == 404
    assert quick.client(ben).get(f"{path}/state").status_code == 404
    assert quick.client(rita).get(path).status_code == 403
    assert quick.client().get(path).status_code == 302
    assert framed(page, turn).status_code == 200


def test_rows_of_a_job_are_its_requester_s_alone(quick, people):
    rita, ada, _ = people
    other = quick.person("rob", "requester")
    job = paged_job(quick, rita, [{"text": "mine"}], "<form>{{ task.input.text }}</form>")
    found = quick.client(rita).get(f"/frame/row/{job}/1", follow_redirects=True)
    assert "mine" in found.text
    assert quick.client(rita).get(f"/frame/row/{job}/2").status_code == 404
    assert quick.client(other).get(f"/frame/row/{job}/1").status_code == 404
    assert quick.client(ada).get(f"/frame/row/{job}/1").status_code == 403


def test_a_page_in_the_making_is_shown_only_to_a_form_of_ours(quick, people):
    rita, _, _ = people
    job = paged_job(quick, rita, [{"text": "mine"}], "<form></form>")
    client = quick.client(rita)
    sent = {"template": "<p>New: {{ task.input.text }}</p>"}
    assert client.get(f"/frame/try/{job}", query_string=sent).status_code == 405
    assert client.post(f"/frame/try/{job}", data=sent).status_code == 400
    found = client.post(f"/frame/try/{job}", data={**sent, "csrf_token": csrf(client, "/jobs")})
    assert "<p>New: mine</p>" in found.text
    assert found.headers["Content-Security-Policy"].startswith("sandbox")
    wrong = client.post(f"/frame/try/{job}", data={"template": "{% if %}", "csrf_token": csrf(client, "/jobs")})
    assert "line 1" in wrong.text
    assert wrong.headers["Content-Security-Policy"].startswith("sandbox")


@pytest.mark.parametrize("item", [html("<form></form>"), form(FORM), {"text": "x"}])
def test_every_page_of_others_is_sandboxed_by_its_header_too(quick, people, item):
    rita, ada, _ = people
    page, turn = opened(quick, ada, paged_job(quick, rita, [item], "<p>{{ task.input.text }}</p>"))
    headers = framed(page, turn).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["sandbox"] == "allow-scripts allow-forms"
    assert [policy[f"{name}-src"] for name in ("default", "connect", "frame", "worker")] == ["'none'"] * 4
    assert [policy[name] for name in ("form-action", "base-uri", "webrtc")] == ["'none'", "'none'", "'block'"]
    assert policy["img-src"] == "localhost/media/ localhost/static/ data: blob:"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_hosts_that_the_installation_allows_are_the_only_others(people, quick):
    quick.broker.settings.__dict__["page_hosts"] = ("https://cdn.example.org",)
    rita, ada, _ = people
    page, turn = opened(quick, ada, paged_job(quick, rita, [html("<form></form>")]))
    policy = framed(page, turn).headers["Content-Security-Policy"]
    assert re.search(r"img-src [^;]* https://cdn\.example\.org;", policy)
    assert "connect-src 'none'" in policy


def test_the_page_around_allows_no_frames_but_ours(quick, people):
    rita, ada, _ = people
    job = paged_job(quick, rita, [html("<form></form>")])
    for path, who in ((f"/work/{job}", ada), (f"/work/{job}/preview", ada), (f"/jobs/{job}/preview", rita)):
        assert "frame-src localhost/frame/;" in quick.client(who).get(path).headers["Content-Security-Policy"]


def test_a_site_s_frame_allows_its_origin_and_no_other(quick, people):
    rita, ada, _ = people
    page, turn = opened(quick, ada, paged_job(quick, rita, [external(SITE, 500)]))
    found = framed(page, turn)
    address = re.search(r'iframe src="([^"]+)"', found.text)[1].replace("&amp;", "&")
    assert address.startswith(
        f"{SITE}&assignmentId={turn['id']}&hitId={turn['hit']}&workerId={ada.public_id}&turkSubmitTo="
    )
    policy = found.headers["Content-Security-Policy"]
    assert "frame-src https://tasks.example.org localhost/mturk/externalSubmit;" in policy
    assert 'height="500"' in turn["html"]


def test_a_site_on_this_machine_is_shown_only_where_the_installation_says_so(quick, people):
    rita, ada, _ = people
    page, turn = opened(quick, ada, paged_job(quick, rita, [external("http://127.0.0.1:9/")]))
    assert "iframe" in framed(page, turn).text, "one machine for both: a requester tries it out"
    quick.broker.settings.__dict__["url"] = "https://crowd.example.org"
    refused = framed(page, turn)
    assert "must begin with https" in refused.text
    assert "iframe" not in refused.text
    quick.broker.settings.__dict__["external_http"] = True
    assert "iframe" in framed(page, turn).text


OLD = """<script type='text/javascript' src='https://s3.amazonaws.com/mturk-public/externalHIT_v1.js'></script>
<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<form name='mturk_form' method='post' action='https://www.mturk.com/mturk/externalSubmit'>
<input type='hidden' value='' name='assignmentId' id='assignmentId'/><textarea name="comment"></textarea></form>
<script>turkSetAssignmentID(); other = "https://workersandbox.mturk.com/mturk/externalSubmit?x=1"</script>"""


def test_the_three_dead_addresses_of_old_pages_become_ours(quick, people):
    rita, ada, _ = people
    page, turn = opened(quick, ada, paged_job(quick, rita, [html(OLD)]))
    text = framed(page, turn).text
    for dead in ("s3.amazonaws.com", "assets.crowd.aws", "mturk.com/mturk/ext"):
        assert dead not in text
    assert re.search(r"/static/[^\"]+/js/frame/externalHIT_v1\.js", text)
    assert re.search(r"/static/[^\"]+/js/elements/index\.js", text)
    assert "action='http://localhost/mturk/externalSubmit'" in text
    assert text.index("frame/shim.js") < text.index("mturk_form")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<p>x</p><input name=a>", r"<body><form><p>x</p><input name=a></form></body>"),
        ("<crowd-input name=a></crowd-input>", r"<body><crowd-form><crowd-input name=a></crowd-input></crowd-form>"),
        (
            "<html><body class=b><input name=a></body></html>",
            r"<body class=b><form><input name=a></form></body></html>",
        ),
        ("<!doctype html><title>x</title><form></form>", r"<form></form>"),
        (
            "<HTML><HEAD><title>x</title></HEAD><BODY><form></form></BODY></HTML>",
            r"<HEAD><meta.*shim.*<title>x</title>",
        ),
    ],
)
def test_a_page_without_a_form_gets_one_and_ours_comes_first(quick, people, content, expected):
    rita, ada, _ = people
    page, turn = opened(quick, ada, paged_job(quick, rita, [html(content)]))
    assert re.search(expected, framed(page, turn).text)


def test_a_question_form_is_html_with_a_name_for_every_field(quick, people):
    rita, ada, _ = people
    page, turn = opened(quick, ada, paged_job(quick, rita, [form(FORM)]))
    text = framed(page, turn).text
    assert "<h2>About you</h2>" in text
    assert re.search(r'<label for="question-2"[^>]*>\s*Age', text)
    assert 'data-least="1" data-most="120"' in re.sub(r"\s+", " ", text)
    assert len(re.findall(r'type="checkbox"', text)) == 3


def test_formatted_content_is_cleaned(quick, people):
    rita, ada, _ = people
    evil = "<FormattedContent><![CDATA[<p onclick='x()'>see <b>this</b><script>x()</script></p>]]></FormattedContent>"
    page, turn = opened(quick, ada, paged_job(quick, rita, [form(FORM.replace("<Text>How much?</Text>", evil))]))
    text = framed(page, turn).text
    assert "<p>see <b>this</b></p>" in text
    assert "x()" not in text


def test_a_question_form_s_constraints_hold_on_the_server(quick, people):
    rita, ada, _ = people
    page, turn = opened(quick, ada, paged_job(quick, rita, [form(FORM)]))
    refused = page.submit(turn, {"age": "200", "pets": ["cat"]})
    assert refused.status_code == 422
    assert "must be at most 120" in refused.get_json()["detail"]
    assert page.submit(turn, {"age": "20", "pets": ["cat"]}).status_code == 200


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://lab.example.org/task", "https://lab.example.org/task?assignmentId="),
        ("https://lab.example.org/task?", "https://lab.example.org/task?assignmentId="),
        ("https://lab.example.org/task?a=1;b=o'k,2", "https://lab.example.org/task?a=1;b=o'k,2&assignmentId="),
        (f"https://lab.example.org/task?a={'x' * 4000}", f"{'x' * 4000}&assignmentId="),
    ],
)
def test_a_site_finds_the_parameters_in_its_query(quick, people, url, expected):
    rita, ada, _ = people
    page, turn = opened(quick, ada, paged_job(quick, rita, [external(url)]))
    shown = framed(page, turn)
    assert expected in unescape(shown.text)
    assert "frame-src https://lab.example.org localhost/mturk/" in shown.headers["Content-Security-Policy"]


def test_the_fragment_of_a_site_s_address_stays_at_its_end(quick, people):
    rita, ada, _ = people
    page, turn = opened(quick, ada, paged_job(quick, rita, [external("https://lab.example.org/#/task")]))
    assert re.search(r'src="https://lab\.example\.org/\?assignmentId=[^"#]+#/task"', framed(page, turn).text)


def submit(quick, turn, method="post", **fields):
    """What a site's form sends: from elsewhere, without a cookie or a token."""
    sent = {"assignmentId": turn["id"], **fields}
    client = quick.client()
    return (
        client.post("/mturk/externalSubmit", data=sent)
        if method == "post"
        else client.get("/mturk/externalSubmit", query_string=sent)
    )


@pytest.mark.parametrize("method", ["post", "get"])
def test_a_site_s_form_answers_without_a_cookie_and_once(quick, people, method):
    rita, ada, _ = people
    page, turn = opened(quick, ada, paged_job(quick, rita, [external(SITE)]))
    state = f"/frame/turn/{turn['id']}/state"
    assert page.client.get(state).get_json() == {"submitted": False}
    kept = submit(quick, turn, method, tone="calm", tags=["a", "b"], workerId="A1", hitId="H")
    assert (kept.status_code, "js/frame/submitted.js" in kept.text) == (200, True)
    assert page.client.get(state).get_json() == {"submitted": True}
    assert submit(quick, turn, method, tone="calm", tags=["a", "b"]).status_code == 200
    other = submit(quick, turn, method, tone="angry")
    assert (other.status_code, "submitted.js" in other.text) == (409, False)
    history = page.client.get("/work/history").text
    assert "calm" in history
    assert "angry" not in history


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE", "a": "b"}, 409, "This is a preview"),
        ({"assignmentId": "T000000000000", "a": "b"}, 404, ""),
        ({"assignmentId": "", "a": "b"}, 404, "does not exist"),
        ({}, 422, "no field beside assignmentId"),
    ],
)
def test_what_is_no_answer_of_a_site_is_refused(quick, people, fields, status, said):
    rita, ada, _ = people
    _, turn = opened(quick, ada, paged_job(quick, rita, [external(SITE)]))
    refused = quick.client().post("/mturk/externalSubmit", data={"assignmentId": turn["id"], **fields})
    assert refused.status_code == status
    assert said in refused.text
    assert "submitted.js" not in refused.text


def test_only_sites_answer_from_outside(quick, people):
    rita, ada, _ = people
    page, turn = opened(quick, ada, paged_job(quick, rita, [html("<form></form>")]))
    assert submit(quick, turn, a="b").status_code == 409
    assert page.submit(turn, {"a": "c"}).status_code == 200


def test_a_site_s_answer_has_a_limit(quick, people):
    rita, ada, _ = people
    _, turn = opened(quick, ada, paged_job(quick, rita, [external(SITE)]))
    assert submit(quick, turn, a="x" * (1 << 21)).status_code == 413
    assert submit(quick, turn, **{f"f{n}": "x" for n in range(1200)}).status_code == 422


def test_a_site_finds_mturk_s_script_and_our_elements_under_addresses_that_stay(quick):
    client = quick.client()
    with client.get("/mturk/externalHIT_v1.js", follow_redirects=True) as script:
        assert "turkSetAssignmentID" in script.text
    with client.get("/crowd-html-elements.js", follow_redirects=True) as elements:
        assert elements.headers["Access-Control-Allow-Origin"] == "*"
