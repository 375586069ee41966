"""Labelled texts, recordings and comparisons for the tests of the formats that hold them."""

import io

from broker.annotation.labelled import Labelled
from broker.formats.export import EXPORTS
from broker.kinds.registry import furnish
from tests.kinds.samples import SAMPLES


def labelled(kind, number=0, answer=0, **more):
    """The item of a room's sample with one of its answers, through the room's own parse and dump."""
    sample = [one for one in SAMPLES if one.kind == kind][number]
    room = furnish(kind, sample.settings)
    kept = room.dump(room.parse(sample.answers[answer][0], sample.item))
    text = str(sample.item[sample.settings["field"]])
    more = {"row": 1, "name": "1", "payload": sample.item, "confidence": 0.9, "text": text} | more
    return Labelled(**more, answer=kept, facts=room.facts(sample.item))


def written(name, items, labels=()):
    """The file in a format."""
    file = io.BytesIO()
    EXPORTS[name].write(iter(items), labels, file)
    return file.getvalue()
