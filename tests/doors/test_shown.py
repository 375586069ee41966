"""How values are shown: what is not certain never looks certain, and charts end at round numbers."""

import pytest

from broker.web.shown import round_up


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.5, "50.0 %"), (0.998, "99.8 %"), (0.9996, "&gt; 99.9 %"), (1 - 1e-12, "&gt; 99.9 %"), (1.0, "&gt; 99.9 %")],
)
def test_an_uncertain_label_is_never_shown_as_certain(quick, share, words):
    with quick.app.test_request_context():
        macros = quick.app.jinja_env.get_template("macros.html").module
    assert words in str(macros.sure(share))


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 2), (1, 2), (3, 4), (9, 10), (10, 10), (11, 20), (61, 80), (99, 100), (101, 200)]
)
def test_a_chart_ends_at_a_round_number_with_a_whole_half(highest, top):
    assert round_up(highest) == top
    assert (top / 2).is_integer()
