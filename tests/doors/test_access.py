"""Who may see what, asked of every view there is: a new view without a guard fails here."""

import pytest
from werkzeug.routing import AnyConverter
from werkzeug.routing.converters import NumberConverter

from tests.doors.visiting import PASSWORD, Site, publish_job

PUBLIC = {
    "session.landing",
    "session.login",
    "session.log_in",
    "session.signup",
    "session.sign_up",
    "session.logout",
    "static.file",
    "static.favicon",
    "static.health",
    "media.file",  # its address is signed
    "buckets.file",  # so is its
    "mturk.answer",  # its calls are signed
    "external.external_submit",  # the assignment's id is the proof
    "external.functions",
    "external.elements",
}
ROLES = ("worker", "requester", "admin")


@pytest.fixture(scope="module")
def site(sqlite_template, tmp_path_factory):
    """One installation for all questions; nothing that is asked here changes it."""
    folder = tmp_path_factory.mktemp("access")
    database = folder / "broker.sqlite3"
    database.write_bytes(sqlite_template.read_bytes())
    made = Site(f"sqlite:///{database}", folder / "data")
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def people(site):
    """One of each role, and nobody."""
    return {role: site.logged_in(role, role) for role in ROLES} | {"nobody": site.visitor()}


def rules(site):
    return [rule for rule in site.app.url_map.iter_rules() if rule.endpoint not in PUBLIC]


def needs(site, rule):
    return site.app.view_functions[rule.endpoint].__dict__.get("needs")


def addresses(site, rule, names):
    """The address of a view, each of its objects filled in."""
    filled = {name: _value(rule._converters[name], names.get(name, names["job"])) for name in rule.arguments}
    with site.app.test_request_context():
        return site.app.url_map.bind("localhost").build(rule.endpoint, filled, method=min(rule.methods))


def _value(converter, name):
    if isinstance(converter, AnyConverter):
        return min(converter.items)
    return 1 if isinstance(converter, NumberConverter) else name


def ask(site, visitor, rule, names):
    """The answer of a view, by each of its methods."""
    path, token = addresses(site, rule, names), visitor.token("/account")
    for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
        data = {"csrf_token": token} if method == "POST" else None
        yield method, visitor.client.open(path, method=method, data=data)


@pytest.fixture(scope="module")
def names(site):
    """The ids of things that belong to somebody else."""
    eve = site.enlist("eve", "requester", credit=10**9)
    bob = site.enlist("bob", "worker")
    job = publish_job(site.store, eve, site.clock())
    show = site.broker.names
    return {
        "job": show("J").show(job),
        "public_id": bob.public_id,
        "errand_id": show("E").show(1),
        "export_id": show("X").show(1),
    }


def test_every_view_is_guarded_or_known_to_be_public(site):
    assert [rule.endpoint for rule in rules(site) if needs(site, rule) not in (*ROLES, "login")] == []


def test_every_public_view_exists(site):
    assert {rule.endpoint for rule in site.app.url_map.iter_rules()} >= PUBLIC


def test_visitors_are_sent_to_the_log_in(site, people, names):
    for rule in rules(site):
        for method, answer in ask(site, people["nobody"], rule, names):
            assert answer.status_code == 302, (method, rule)
            assert answer.location.startswith("/login"), (method, rule)


@pytest.mark.parametrize("role", ROLES)
def test_the_views_of_other_roles_are_forbidden(site, people, names, role):
    for rule in rules(site):
        if needs(site, rule) not in (role, "login"):
            for method, answer in ask(site, people[role], rule, names):
                assert answer.status_code == 403, (method, rule)


@pytest.mark.parametrize("role", ["worker", "requester"])
def test_strangers_things_do_not_exist(site, people, names, role):
    open_to_all_workers = {"GET", "POST"} if role == "worker" else set()
    for rule in rules(site):
        if rule.arguments and needs(site, rule) in (role, "login"):
            for method, answer in ask(site, people[role], rule, names):
                if "job" in rule.arguments and method in open_to_all_workers:
                    continue  # an open job is everybody's work
                assert answer.status_code == 404, (method, rule)


def test_ids_that_nobody_has_are_not_found(site, people):
    names = {"job": "J0", "public_id": "A0", "errand_id": "E0", "export_id": "X0"}
    for rule in rules(site):
        for role in ROLES:
            if rule.arguments and needs(site, rule) in (role, "login"):
                for method, answer in ask(site, people[role], rule, names):
                    # An admin's form without a reason is refused before its account is looked for.
                    assert answer.status_code in (404, 422), (method, rule)


def test_a_suspended_person_with_a_session_left_over_is_refused(site, names):
    visitor = site.logged_in("dan", "worker")
    assert visitor.log_in("dan@example.org", PASSWORD).status_code == 302
    with site.store.write() as unit:
        from broker.store import people as rows  # noqa: PLC0415 - the fixture has this name

        rows.suspend(unit, rows.by_email(unit, "dan@example.org").id, "copies answers", site.clock())
    answer = visitor.get("/account")
    assert answer.status_code == 403
    assert "copies answers" in answer.text
