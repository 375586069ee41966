"""Jobs whose HITs are pages of others, published in a test's installation."""

from broker.services import publish
from broker.store import dataset
from broker.store.jobs import Job


def paged_job(hands, requester, payloads, template="", **values):
    """A published job of the kind page on these items; gives its public id."""
    values = {"title": "Our own page", "redundancy": 1, "reward": 20_000, "gold_percent": 0, **values}
    with hands.store.write() as unit:
        settings = {"template": template}
        job = Job(requester_id=requester.id, kind="page", settings=settings, created_at=hands.time, **values)
        job.columns, job.gold_column = sorted({name for one in payloads for name in one}), values.get("gold_column", "")
        unit.session.add(job)
        unit.session.flush()
        dataset.write(unit, job.id, enumerate(payloads, 1))
        publish.publish(unit, job.id, requester.id, hands.time)
    return hands.name("J", job.id)


def external(url, height=0):
    return {"_question": {"sort": "external", "url": url, "content": "", "height": height}}


def html(content, height=0):
    return {"_question": {"sort": "html", "url": "", "content": content, "height": height}}


def form(xml):
    return {"_question": {"sort": "form", "url": "", "content": xml, "height": 0}}
