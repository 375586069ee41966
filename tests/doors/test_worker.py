"""The worker's door: pages that only show, and the JSON that claims, submits, returns and reports."""

import pytest

from tests.doors.conftest import csrf


def calm(label="calm"):
    return {"category": {"label": label}}


class Page:
    """What the HIT page's script does, without its page."""

    def __init__(self, client, job):
        self.client, self.job, self.token = client, job, csrf(client)

    def post(self, path, body):
        return self.client.post(f"/work/{path}", json=body, headers={"X-CSRFToken": self.token})

    def claim(self, **wish):
        return self.post(f"{self.job}/claim", wish)

    def submit(self, assignment, answer=None, **more):
        body = {"assignment": assignment["id"], "answer": answer or calm(), "seconds": 4.2, **more}
        return self.post("submit", body)


@pytest.fixture
def scene(hands):
    """A small job, and the page of a worker in it."""
    requester, worker = hands.person("rita", "requester"), hands.person("walt", "worker")
    job = hands.job(requester)
    return hands, Page(hands.client(worker), job)


PAGES = ("/work", "/work/{}", "/work/{}/preview", "/work/history", "/work/earnings")


def test_every_page_opens_before_and_after_the_first_answer(scene):
    _, page = scene
    for _ in range(2):
        for path in PAGES:
            assert page.client.get(path.format(page.job)).status_code == 200
        page.submit(page.claim().json["assignment"])
