"""Where the writers of SQLite queue: those of one process at a lock, the first of each process at a lock file.

SQLite's own waiting sleeps ever longer, up to 100 ms, and whoever asks again at once goes first: beside a busy process,
a writer that polls starves.
"""

import fcntl
import os
import threading


class Writers:
    """The right to write, for one thread of all processes at a time; a process that dies gives it up.

    It only keeps order: what it guards is guarded by SQLite too.
    """

    def __init__(self, database: str) -> None:
        self._path = None if database == ":memory:" else f"{database}.lane"
        self._threads = threading.Lock()
        self._file: int | None = None
        self._pid = 0

    def __enter__(self) -> None:
        self._threads.acquire()
        try:
            if self._path is not None:
                fcntl.flock(self._opened(self._path), fcntl.LOCK_EX)
        except BaseException:
            self._threads.release()
            raise

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._threads.release()

    def _opened(self, path: str) -> int:
        # What a fork has inherited is its parent's lock.
        if self._file is None or self._pid != os.getpid():
            self.close()
            self._file, self._pid = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), os.getpid()
        return self._file

    @property
    def taken(self) -> bool:
        """Whether a thread of this process writes or waits for other processes."""
        return self._threads.locked()

    def close(self) -> None:
        """Let go of the lock file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
