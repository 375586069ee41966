"""Writes a job's results into the file store, in bounded memory, while the requester sees how far it is."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

from broker.annotation.labelled import Labelled
from broker.errors import BrokerError
from broker.formats.export import EXPORTS
from broker.services import deliver, export
from broker.services.export import Begun
from broker.wiring import Broker

NOTED_ROWS = 5000


def run(broker: Broker, export_id: int) -> None:
    """Write one export from its beginning: what a runner that was killed left behind is thrown away."""
    key = broker.files.fresh_key("exports")
    with broker.store.write() as unit:
        begun = export.begin(unit, export_id, key)
    if begun is None:
        return
    if begun.stale:
        broker.files.remove(begun.stale)
    try:
        size = _write(broker, export_id, begun, key)
        with broker.store.write() as unit:
            export.finish(unit, export_id, key, size, broker.now())
    except Exception as error:
        broker.files.remove(key)
        message = error.message if isinstance(error, BrokerError) else "Something went wrong while it was written."
        with broker.store.write() as unit:
            export.fail(unit, export_id, key, message, broker.now())
        raise


def _write(broker: Broker, export_id: int, begun: Begun, key: str) -> int:
    """Write the whole file; its size in bytes."""
    form = EXPORTS[begun.format]
    items = deliver.labelled(broker.store, begun.job, begun.version, begun.split, unanswered=form.unanswered)
    with broker.files.open(key, "wb") as file:
        form.write(_noted(broker, export_id, key, items), deliver.label_names(begun.job), cast("BinaryIO", file))
    return broker.files.size(key)


def _noted(broker: Broker, export_id: int, key: str, items: Iterable[Labelled]) -> Iterator[Labelled]:
    for count, item in enumerate(items, 1):
        yield item
        if count % NOTED_ROWS == 0:
            with broker.store.write() as unit:
                export.note(unit, export_id, key, count)
