import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.annotation import questionform
from broker.annotation.questionform import SCHEMAS, BadXhtml, BadXml
from broker.errors import Invalid
from broker.formats.questions import CROWD, Question, read_answers, read_question, write_answers
from tests.formats.questionforms import FORM, form, free_text, question, selection

ENTITY = '<!DOCTYPE q [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
LAUGHS = '<!DOCTYPE q [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="￾￿"), max_size=40)


def external(url, height="600", namespace="2006-07-14/ExternalQuestion.xsd"):
    return (
        f'<ExternalQuestion xmlns="{SCHEMAS}{namespace}"><ExternalURL>{url}</ExternalURL>'
        f"<FrameHeight>{height}</FrameHeight></ExternalQuestion>"
    )


def html(content, height="450"):
    return (
        f'<HTMLQuestion xmlns="{SCHEMAS}2011-11-11/HTMLQuestion.xsd"><HTMLContent><![CDATA[{content}]]></HTMLContent>'
        f"<FrameHeight>{height}</FrameHeight></HTMLQuestion>"
    )


def test_an_external_question_is_its_address_and_height():
    found = read_question(external("https://example.org/task?a=1&amp;b=2", "0"))
    assert found == Question("external", url="https://example.org/task?a=1&b=2", height=0)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "javascript:alert(1)",
        "//example.org/",
        "",
        "https://",
        "https://a.org/ b",
        "https://user:word@a.org/",
        "https://a.org;script-src/",
        "https://a.org,b.org/",
        "https://a.org/&lt;b&gt;",
        "http://127.0.0.1/",
    ],
)
def test_an_external_address_must_be_https(url):
    with pytest.raises(Invalid, match="ExternalURL"):
        read_question(external(url))


@pytest.mark.parametrize("rest", ["?ids=1,2,3", "?a=1;b=2", "o'brien", "?a=1#b"])
def test_an_external_address_may_hold_what_addresses_hold(rest):
    assert read_question(external(f"https://a.org/{rest}")).url == f"https://a.org/{rest}"


def test_http_is_only_allowed_on_this_machine_and_only_where_the_installation_says_so():
    assert read_question(external("http://127.0.0.1:9/x"), loopback=True).url == "http://127.0.0.1:9/x"
    assert read_question(external("http://localhost:9/x"), loopback=True).url == "http://localhost:9/x"
    with pytest.raises(Invalid, match="must begin with https"):
        read_question(external("http://example.org/"), loopback=True)


def test_an_html_question_keeps_its_content_and_may_begin_with_white_space():
    found = read_question("\n  " + html("<form><input name=a></form>"))
    assert found == Question("html", content="<form><input name=a></form>", height=450)


def test_an_html_question_is_at_most_65535_bytes():
    assert read_question(html("é" * 32_767)).content
    with pytest.raises(Invalid, match="65,536 bytes are more than 65,535"):
        read_question(html("é" * 32_768))


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "<a>",
        "plain",
        ENTITY + external("https://a.org"),
        LAUGHS + "<q>&b;</q>",
        external("https://a.org", "tall"),
        external("https://a.org").replace(SCHEMAS, "http://example.org/"),
        f'<Other xmlns="{SCHEMAS}x"/>',
        form(),
        form("<Riddle/>"),
        form(question("a", "<FileUploadAnswer/>")),
        form(question("a", "<Telepathy/>")),
        form(question("a", free_text()), question("a", free_text())),
        form(question("a", selection(["x", "x"]))),
        form(question("a", selection([]))),
        form(question("a", selection(["x"], "slider"))),
        form(question("a", free_text('<IsNumeric minValue="few"/>'))),
    ],
)
def test_xml_that_is_no_question_is_refused_in_mturk_s_words(xml):
    with pytest.raises(BadXml, match="There was an error parsing the XML question or answer data in your request"):
        read_question(xml)


def test_formatted_content_must_be_xhtml_and_may_use_its_named_entities():
    good = "<FormattedContent><![CDATA[<p>one&nbsp;<b>two</b></p>]]></FormattedContent>"
    assert read_question(form(question("a", free_text(), good))).sort == "form"
    with pytest.raises(BadXhtml, match="XHTML"):
        read_question(form(question("a", free_text(), good.replace("</b>", ""))))


def faults(constraints, value, required="true"):
    try:
        questionform.read(form(question("a", constraints, required=required))).check({"a": value})
    except Invalid as error:
        return error.problems[0].message
    return ""


@pytest.mark.parametrize(
    ("constraints", "value", "said"),
    [
        ('<IsNumeric minValue="1" maxValue="9"/>', "5", ""),
        ('<IsNumeric minValue="1" maxValue="9"/>', "0.5", "must be at least 1"),
        ('<IsNumeric minValue="1" maxValue="9"/>', "10", "must be at most 9"),
        ("<IsNumeric/>", "many", "expected a number"),
        ("<IsNumeric/>", "NaN", "expected a number"),
        ('<Length minLength="2" maxLength="3"/>', "a", "must have at least 2 characters"),
        ('<Length minLength="2" maxLength="3"/>', "abcd", "must have at most 3 characters"),
        ('<AnswerFormatRegex regex="^[A-Z]+$" errorText="capitals, please"/>', "a", "capitals, please"),
        ('<AnswerFormatRegex regex="^[A-Z]+$" flags="i"/>', "a", ""),
        ('<AnswerFormatRegex regex="("/>', "a", ""),
        ("", "", "must be answered"),
        ("", 5, "expected a text"),
    ],
)
def test_a_free_text_answer_keeps_to_its_constraints(constraints, value, said):
    assert faults(free_text(constraints), value) == said


def test_an_expression_that_would_run_for_days_constrains_nothing():
    assert faults(free_text('<AnswerFormatRegex regex="^(a|aa)+$"/>'), "a" * 60 + "!") == ""


@pytest.mark.parametrize("length", ["1e99999", "2.5", "-1", "", "9999999999"])
def test_a_length_is_a_whole_number_that_can_be_written_out(length):
    with pytest.raises(BadXml, match="minLength"):
        questionform.read(form(question("a", free_text(f'<Length minLength="{length}"/>'))))


@pytest.mark.parametrize("style", ["radiobutton", "dropdown", "checkbox", "list", "combobox", "multichooser"])
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (["x"], ""),
        ("x", ""),
        (["x", "y"], ""),
        (["x", "y", "z"], "at most 2 may be chosen"),
        (["x", "x"], "a selection is chosen twice"),
        (["w"], "'w' is none of the selections"),
        ([], "must be answered"),
        (7, "expected a list of selections, or an object with selections and otherSelection"),
        ({"selections": ["x"], "otherSelection": "mine"}, "no words of one's own are asked for"),
    ],
)
def test_a_selection_keeps_to_its_counts_whatever_its_style(style, value, said):
    assert faults(selection(["x", "y", "z"], style, most=2), value) == said


def test_words_of_one_s_own_count_as_a_selection():
    other = "<OtherSelection><Constraints><Length maxLength='4'/></Constraints></OtherSelection>"
    asked = selection(["x"], least=1, most=1, other=other)
    assert faults(asked, {"otherSelection": "mine"}) == ""
    assert faults(asked, {"otherSelection": "my own"}) == "must have at most 4 characters"
    assert faults(asked, {"selections": ["x"], "otherSelection": "mine"}) == "at most 1 may be chosen"


def test_an_answer_to_no_question_of_the_form_is_refused():
    with pytest.raises(Invalid, match="'boss': is no question of this form"):
        questionform.read(FORM).check({"age": "4", "boss": "me"})


def test_a_crowd_form_answers_as_task_answers():
    page = Question("html", content="<CROWD-FORM><crowd-classifier></crowd-classifier></CROWD-FORM>")
    xml = write_answers(page, {"category": {"label": "Cät <1>"}})
    assert f"<QuestionIdentifier>{CROWD}</QuestionIdentifier>" in xml
    assert xml.isascii()
    assert read_answers(xml) == {"category": {"label": "Cät <1>"}}


def test_a_crowd_form_with_flatten_objects_answers_by_dotted_names():
    page = Question("html", content="<crowd-form answer-format='flatten-objects'></crowd-form>")
    xml = write_answers(page, {"category": {"label": "Cat"}, "sure": {"yes": True}, "n": 2})
    assert read_answers(xml) == {"category.label": "Cat", "sure.yes": "true", "n": "2"}


def test_several_values_of_one_name_are_joined_by_a_bar():
    assert read_answers(write_answers(Question("html", content="<form>"), {"a": ["x", "y"]})) == {"a": "x|y"}


def test_selections_stand_as_identifiers():
    xml = write_answers(Question("form", content=FORM), {"age": "41", "pets": "cat"})
    assert "<FreeText>41</FreeText>" in xml
    assert "<SelectionIdentifier>cat</SelectionIdentifier>" in xml
    assert read_answers(xml) == {"age": "41", "pets": ["cat"]}


def test_answers_of_another_namespace_are_refused():
    with pytest.raises(BadXml, match="QuestionFormAnswers"):
        read_answers("<QuestionFormAnswers/>")


def test_a_file_of_old_answers_is_read_as_its_key():
    xml = write_answers(Question("external"), {"a": "b"}).replace(
        "<FreeText>b</FreeText>",
        "<UploadedFileSizeInBytes>12</UploadedFileSizeInBytes><UploadedFileKey>k</UploadedFileKey>",
    )
    assert read_answers(xml) == {"a": {"file": "k", "size": "12"}}


@given(answer=st.dictionaries(TEXTS.filter(str.strip).map(str.strip), TEXTS.map(str.strip), max_size=5))
def test_fields_of_text_survive_the_xml(answer):
    assert read_answers(write_answers(Question("external"), answer)) == answer


@given(text=st.text(max_size=60))
def test_any_text_survives_or_loses_only_what_xml_cannot_say(text):
    found = read_answers(write_answers(Question("external"), {"a": text}))["a"]
    assert len(found) == len(text.replace("\r\n", "\n")) or "\r" in text


@given(xml=st.text(max_size=80) | st.integers(0, len(FORM) - 1).map(lambda end: FORM[:end]))
def test_any_text_is_a_question_or_invalid(xml):
    with pytest.raises(Invalid):
        read_question(xml)
