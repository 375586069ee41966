"""A process that plays several workers over HTTP: `python -m tests.chaos.visitors '{"url": …, "workers": …}'`."""

import json
import sys

from tests.chaos import crowd
from tests.chaos.browser import Http


def doors(given, journal):
    """The doors of the workers that were given to this process, each with its worker's row id."""

    def watch(answer):
        if answer.status_code >= 500:
            told = {"retry_after": answer.headers.get("Retry-After"), "type": answer.headers.get("Content-Type")}
            journal.note(f"status_{answer.status_code}", text=answer.text[:300], **told)

    for worker, email in given["workers"].items():
        yield int(worker), Http(given["url"], given["job"], email, watch)


if __name__ == "__main__":
    crowd.main(json.loads(sys.argv[1]), doors)
