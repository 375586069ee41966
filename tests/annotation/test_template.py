import html
import json
import time

import pytest

from broker.annotation import template
from broker.errors import Invalid


def shown(text, grant=lambda value: f"/granted/{value}", **task_input):
    return template.render(text, task_input, grant)


def test_values_are_escaped_unless_a_template_says_otherwise():
    text = "{{ task.input.x }} {{ task.input.x | skip_autoescape }}"
    assert shown(text, x="<b>&</b>") == "&lt;b&gt;&amp;&lt;/b&gt; <b>&</b>"


def test_names_with_hyphens_are_read_as_ground_truth_writes_them():
    assert shown("{{ task.input.source-ref }}", **{"source-ref": "a.png"}) == "a.png"


LABELS = ["it's", '"so"', "</script>", "a & b"]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("{{ task.input.labels | to_json }}", lambda out: out),
        ("{{ task.input.labels | to_json | escape }}", html.unescape),
        ("{{ task.input.labels | to_json | escape_once }}", html.unescape),
    ],
)
def test_json_is_the_same_bare_in_a_script_and_escaped_in_an_attribute(text, read):
    out = shown(text, labels=LABELS)
    assert json.loads(read(out)) == LABELS
    assert "</script>" not in out
    assert "'" not in out


def test_escaped_json_stays_within_double_quotes():
    assert '"' not in shown("{{ task.input.labels | to_json | escape }}", labels=LABELS)


def test_what_a_template_asks_to_read_is_granted():
    assert shown("{{ task.input.x | grant_read_access }}", x="s3://b/k") == "/granted/s3://b/k"
    assert shown("{{ task.input.none | grant_read_access }}") == "/granted/"


def test_what_is_not_there_is_empty():
    assert shown("[{{ task.input.nothing.at.all }}]") == "[]"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("line one\n{% if %}", "line 2"),
        ("{{ x | no_such_filter }}", "unknown filter"),
        ("{% for i in (1..9999999999) %}x{% endfor %}", "loop iteration limit"),
        ("{% for i in (1..900) %}{% for j in (1..900) %}x{% endfor %}{% endfor %}", "loop iteration limit"),
        ("{{ (1..9999999999) | join: ',' }}", "loop iteration limit"),
        ("{{ (1..9999999999) | sort | first }}", "loop iteration limit"),
        ("{% for i in (1..20000) %}" + "x" * 200 + "{% endfor %}", "output stream limit"),
        ("{% assign s = 'x' %}{% for i in (1..99) %}{% assign s = s | append: s %}{% endfor %}", "namespace limit"),
        (
            "{% assign l = 'a,b' | split: ',' %}{% for i in (1..99) %}{% assign l = l | concat: l %}{% endfor %}",
            "limit",
        ),
        ("{{ '" + "a" * 2000 + "' | replace: 'a', '" + "b" * 2000 + "' }}", "a filter may make at most"),
        (
            "{% assign l = '" + "a," * 2000 + "' | split: ',' %}{{ l | join: '" + "b" * 2000 + "' }}",
            "a filter may make",
        ),
        ("{% include 'other' %}", "other"),
        ("{% render '../../etc/passwd' %}", "passwd"),
        ("{% if true %}" * 200 + "{% endif %}" * 200, "nest"),
    ],
)
def test_a_template_that_is_none_or_costs_too_much_is_refused(text, said):
    with pytest.raises(Invalid, match=said) as refused:
        shown(text)
    assert refused.value.problems[0].column == "template"


def test_time_ends(monkeypatch):
    monkeypatch.setattr(template, "SECONDS", 0.05)
    slow = "{% for i in (1..20000) %}{{ task.input.x }}{% endfor %}" * 200
    began = time.process_time()
    with pytest.raises(Invalid, match="takes longer than"):
        shown(slow, x="")
    assert time.process_time() - began < 5


def test_a_template_is_at_most_so_long():
    template.check("x" * template.LONGEST)
    with pytest.raises(Invalid, match="200,001 characters are more than 200,000"):
        template.check("x" * (template.LONGEST + 1))


def test_the_function_behind_a_filter_is_none_of_the_template_s_business():
    assert "function" not in shown("{{ grant }}{{ ' grant' }}{{ task | to_json }}")
