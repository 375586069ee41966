"""The ledger: amounts are read exactly, and every transfer has two sides, an amount and one reference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Invalid
from broker.rules import ledger
from broker.rules.ledger import HIGHEST_REWARD, UNIT, Transfer

IDS = st.integers(1, 2**60)


@given(st.integers(0, HIGHEST_REWARD))
def test_every_amount_is_read_as_it_is_written(amount):
    assert ledger.parse_reward(f"{amount // UNIT}.{amount % UNIT:06}") == amount


@pytest.mark.parametrize(
    "text",
    ["", "-1", "-0.01", "nan", "NaN", "inf", "-inf", "1e400", "10000.01", "1,5", "2 $", "x", "0.0000001", "1_0", "٠.٥"],
)
def test_what_is_no_amount_is_refused_by_name(text):
    with pytest.raises(Invalid, match="reward: "):
        ledger.parse_reward(text)


@given(st.text(max_size=20))
def test_any_text_is_an_amount_or_invalid(text):
    try:
        assert 0 <= ledger.parse_reward(text) <= HIGHEST_REWARD
    except Invalid:
        return


@given(job=IDS, person=IDS, turn=IDS, amount=st.integers(0, 2**60))
def test_money_moves_between_two_accounts_or_not_at_all(job, person, turn, amount):
    for transfers in (
        ledger.fund(job, person, amount, "f"),
        ledger.pay(job, person, turn, amount),
        ledger.refund(job, person, amount, "r"),
        ledger.deposit(person, amount, "d"),
    ):
        assert [one.amount for one in transfers] == ([amount] if amount else [])
        assert all(one.source != one.target and one.ref for one in transfers)


@pytest.mark.parametrize(("source", "target", "amount"), [("a", "b", 0), ("a", "b", -1), ("a", "a", 5)])
def test_a_transfer_that_makes_no_sense_is_refused(source, target, amount):
    with pytest.raises(Invalid):
        Transfer(source, target, amount, "ref")


@given(hits=st.integers(1, 10**6), redundancy=st.integers(1, 100), percent=st.integers(0, 50), reward=IDS)
def test_the_most_a_job_costs_covers_every_answer_and_twice_the_gold(hits, redundancy, percent, reward):
    most = ledger.most(hits, redundancy, percent, reward)
    assert most % reward == 0
    answers = most // reward - hits * redundancy
    assert 0 <= answers - 2 * hits * redundancy * percent / 100 < 1
