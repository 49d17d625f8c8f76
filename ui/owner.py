"""The data folder has one owner process.

`owner.lock` is locked by whoever has the folder open and says who that is; the system frees the lock when the process ends, however
it ends. A server adds `server.json` (its address) and `server.token` (what its internal routes ask for, readable by its user only).
A `server.json` whose process does not hold the lock is left over and is ignored.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ui import swap


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its process, its address on this machine and the token of its internal routes."""

    pid: int
    url: str
    token: str


class Owned(Exception):
    """Another process has the data folder. `doing` is its command, `server` how to reach it where it is a server that is up."""

    def __init__(self, data_dir: Path, pid: int, doing: str, server: Server | None) -> None:
        where = f" at {server.url}" if server else ""
        remedy = f"stop it (kill {pid})" if doing == "serve" else "wait until it ends"
        super().__init__(
            f"The data folder {data_dir} is in use by `answerdesk {doing}` (process {pid}){where}. "
            f"It can have one owner at a time: {remedy}, or choose another folder with --data-dir."
        )
        self.pid, self.doing, self.server = pid, doing, server


@dataclass(frozen=True, slots=True)
class Claim:
    """The folder is ours for as long as this is held."""

    data_dir: Path
    token: str

    def announce(self, url: str) -> None:
        """Tell other commands that a server is up at `url`."""
        write_private(self.data_dir / "server.token", self.token)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        record = {"pid": os.getpid(), "url": url, "token": str(self.data_dir / "server.token"), "started": started}
        write_private(self.data_dir / "server.json", json.dumps(record))


@contextmanager
def claim(data_dir: Path, doing: str) -> Iterator[Claim]:
    """Own the data folder, which is made where there is none, inside the block. `doing` is the command's name, for others' messages.

    Raises `Owned` when another process has it, OSError when it cannot be made or written.
    """
    data_dir = data_dir.absolute()
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(data_dir / swap.LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _owned(data_dir) from None
        _forget_server(data_dir)  # of a server that was killed
        swap.finish(data_dir)  # of a restore that was killed
        os.ftruncate(lock, 0)
        os.pwrite(lock, json.dumps({"pid": os.getpid(), "doing": doing}).encode(), 0)
        yield Claim(data_dir, secrets.token_urlsafe(32))
        _forget_server(data_dir)
    finally:
        os.close(lock)


def _owned(data_dir: Path) -> Owned:
    holder = _read(data_dir / swap.LOCK)
    pid, doing = int(holder.get("pid", 0)), str(holder.get("doing", "command"))
    server = _read(data_dir / "server.json")
    if not server or server.get("pid") != pid:
        return Owned(data_dir, pid, doing, None)
    try:
        token = (data_dir / "server.token").read_text(encoding="utf-8")
    except OSError:
        return Owned(data_dir, pid, doing, None)
    return Owned(data_dir, pid, doing, Server(pid, str(server["url"]), token))


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError):  # not there, or just being written
        return {}
    return record if isinstance(record, dict) else {}


def write_private(path: Path, text: str) -> None:
    """Write beside and rename, so that nobody reads half of it; readable by this user only."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    beside.replace(path)


def _forget_server(data_dir: Path) -> None:
    for name in ("server.json", "server.token"):
        (data_dir / name).unlink(missing_ok=True)
