"""Requirements: ten comparators, three guards, and the leniency without which migrated HITs would be seen by nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Invalid
from broker.rules.qualification import (
    Act,
    Comparator,
    Guard,
    Leniency,
    Locale,
    Requirement,
    Standing,
    System,
    check,
    dump,
    forbidden,
    met,
    parse,
    said,
    system_met,
    system_value,
)

VALUES = st.integers(-50, 50)
STRICT = Leniency(lenient=False)
US, CALIFORNIA, FRANCE = Locale("US"), Locale("US", "CA"), Locale("FR")


def asks(comparator, *integers, locales=(), of="QTYPE"):
    return Requirement(of, Comparator(comparator), integers, tuple(locales))


def where(comparator, *locales):
    return asks(comparator, locales=locales, of=System.LOCALE)


ORDERED = {
    "LessThan": lambda a, b: a < b,
    "LessThanOrEqualTo": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanOrEqualTo": lambda a, b: a >= b,
    "EqualTo": lambda a, b: a == b,
    "NotEqualTo": lambda a, b: a != b,
}


@given(st.sampled_from(sorted(ORDERED)), VALUES, VALUES)
def test_six_comparators_compare_as_numbers_do(name, value, bound):
    assert met(asks(name, bound), value) == ORDERED[name](value, bound)


@given(VALUES, st.lists(VALUES, min_size=1, max_size=15))
def test_in_and_not_in_look_at_all_values(value, values):
    assert met(asks("In", *values), value) == (value in values)
    assert met(asks("NotIn", *values), value) == (value not in values)


@given(st.sampled_from(Comparator), st.lists(VALUES, max_size=3))
def test_who_lacks_a_qualification_meets_does_not_exist_alone(comparator, values):
    assert met(asks(comparator, *values), None) == (comparator == Comparator.MISSING)


def test_exists_looks_at_no_value_and_zero_is_a_value():
    assert met(asks("Exists"), 0)
    assert not met(asks("DoesNotExist"), 0)


def test_a_country_holds_its_parts_and_a_part_is_not_its_country():
    assert met(where("EqualTo", US), CALIFORNIA)
    assert not met(where("EqualTo", CALIFORNIA), US)
    assert met(where("In", FRANCE, US), CALIFORNIA)
    assert not met(where("NotIn", FRANCE, US), CALIFORNIA)
    assert met(where("NotEqualTo", US), FRANCE)


@pytest.mark.parametrize(
    ("requirement", "words"),
    [
        (asks("EqualTo", 1, of="QNONE"), "there is no such qualification type"),
        (asks("EqualTo"), "EqualTo takes one value, not 0"),
        (asks("LessThan", 1, 2), "LessThan takes one value, not 2"),
        (asks("Exists", 1), "Exists takes no value"),
        (asks("DoesNotExist", 1), "DoesNotExist takes no value"),
        (asks("In"), "In takes 1 to 15 values, not 0"),
        (asks("NotIn", *range(16)), "NotIn takes 1 to 15 values, not 16"),
        (where("In", *[US] * 31), "In takes 1 to 30 values, not 31"),
        (where("LessThan", US), "LessThan cannot compare locales"),
        (asks("EqualTo", 5, of=System.LOCALE), "a location is compared with locales"),
        (asks("EqualTo", locales=[US]), "only a location is compared with locales"),
    ],
)
def test_a_requirement_that_cannot_be_is_named_with_its_place(requirement, words):
    with pytest.raises(Invalid, match=words) as refused:
        check([asks("Exists"), requirement], {"QTYPE"})
    assert [problem.row for problem in refused.value.problems] == [2]


def test_a_job_has_at_most_ten_requirements():
    check([asks("Exists")] * 10, {"QTYPE"})
    with pytest.raises(Invalid, match="11 are more than the 10"):
        check([asks("Exists")] * 11, {"QTYPE"})


def test_guards_forbid_more_and_more():
    table = {guard: [forbidden([guard], act) for act in Act] for guard in Guard}
    assert table == {
        Guard.ACCEPT: [False, False, True],
        Guard.PREVIEW: [False, True, True],
        Guard.DISCOVER: [True, True, True],
    }
    assert not forbidden([], Act.ACCEPT)


# What psiturk and Dallinger always send.
USUAL = (
    asks("GreaterThanOrEqualTo", 95, of=System.APPROVED),
    asks("GreaterThanOrEqualTo", 1000, of=System.NUMBER_APPROVED),
    where("In", US),
)


def test_a_fresh_worker_meets_what_migrated_scripts_always_ask_for():
    assert all(system_met(one, Standing(), Leniency()) for one in USUAL)


def test_a_strict_installation_lets_nobody_off():
    assert [system_met(one, Standing(), STRICT) for one in USUAL] == [True, False, False]
    seasoned = Standing(approved=2000, locale=CALIFORNIA)
    assert all(system_met(one, seasoned, STRICT) for one in USUAL)


def test_an_approval_rate_counts_once_enough_answers_are_decided():
    rate = asks("GreaterThanOrEqualTo", 95, of=System.APPROVED)
    assert system_met(rate, Standing(approved=50, rejected=49), Leniency())
    assert not system_met(rate, Standing(approved=94, rejected=6), Leniency())
    assert system_met(rate, Standing(approved=95, rejected=5), Leniency())
    assert not system_met(rate, Standing(approved=9, rejected=1), Leniency(trial=10))
    assert system_value(System.APPROVED, Standing(), Leniency(trial=0)) == 100


def test_a_known_location_counts_and_an_unknown_one_is_the_admins_default():
    assert not system_met(where("In", US), Standing(locale=FRANCE), Leniency())
    assert not system_met(where("In", US), Standing(), Leniency(country="FR"))
    assert system_met(where("In", US), Standing(), Leniency(country="US"))


def test_adult_content_is_only_for_who_agreed_to_it_however_lenient():
    adult = asks("EqualTo", 1, of=System.ADULT)
    assert not system_met(adult, Standing(), Leniency())
    assert system_met(adult, Standing(adult=True), Leniency())


def test_masters_are_waived_only_where_the_admin_is_lenient():
    masters = asks("Exists", of=System.MASTERS)
    assert system_met(masters, Standing(), Leniency())
    assert not system_met(masters, Standing(), STRICT)


def test_newcomers_only_is_no_demand_that_is_waived():
    newcomers = asks("LessThan", 10, of=System.NUMBER_APPROVED)
    assert not system_met(newcomers, Standing(approved=10), Leniency())


@given(
    st.sampled_from([one for one in System if one != System.LOCALE]),
    st.sampled_from(sorted(ORDERED)),
    st.integers(0, 100),
    st.builds(Standing, *[st.integers(0, 300)] * 5),
)
def test_leniency_never_takes_anything_away(system, comparator, bound, who):
    requirement = asks(comparator, bound, of=system)
    assert system_met(requirement, who, Leniency()) or not system_met(requirement, who, STRICT)


def test_a_requirement_is_said_in_words():
    assert said(USUAL[0], "Approval rate (%)") == "Approval rate (%) is at least 95"
    assert said(where("In", US, CALIFORNIA), "Location") == "Location is one of US, US-CA"
    assert said(asks("Exists"), "Cats") == "Cats is held"


LOCALES = st.builds(Locale, st.sampled_from(["US", "FR"]), st.sampled_from(["", "CA"]))
REQUIREMENTS = st.builds(
    Requirement,
    st.sampled_from(["QTYPE", *System]),
    st.sampled_from(Comparator),
    st.lists(VALUES, max_size=3).map(tuple),
    st.lists(LOCALES, max_size=2).map(tuple),
    st.sampled_from(Guard),
)


@given(REQUIREMENTS)
def test_a_requirement_is_read_as_it_was_written(requirement):
    assert parse(dump(requirement)) == requirement


def test_required_to_preview_is_the_older_way_to_guard_the_preview():
    told = {"QualificationTypeId": "QTYPE", "Comparator": "Exists"}
    assert parse(told).guard == Guard.ACCEPT
    assert parse(told | {"RequiredToPreview": True}).guard == Guard.PREVIEW
    newer = {"RequiredToPreview": True, "ActionsGuarded": "DiscoverPreviewAndAccept"}
    assert parse(told | newer).guard == Guard.DISCOVER
