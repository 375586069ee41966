"""A runner of one import, as a process that can be killed: `DATABASE FOLDER UPLOAD BATCH_ROWS DIES_IN_BATCH`."""

import os
import signal
import sys
from pathlib import Path

from broker.services import intake
from broker.store import tables
from tests.doors.requester import broker_on
from workers.errands import ERRANDS

ONE_TRANSACTION = intake.keep


def main(database: str, folder: str, upload: str, batch_rows: str, dies_in: str) -> None:
    """Import on; die in the middle of the transaction of one batch, 0 for none of them."""
    left = [int(dies_in)]

    def keep(*arguments):
        kept = ONE_TRANSACTION(*arguments)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return kept

    tables.know_all()
    intake.keep, intake.BATCH_ROWS = keep, int(batch_rows)
    ERRANDS["import"](broker_on(database, Path(folder)), int(upload))


if __name__ == "__main__":
    main(*sys.argv[1:])
