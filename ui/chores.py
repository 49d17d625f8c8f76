"""Work that takes longer than a click: the server does it without the page, and begins it again where a restart cut it off.

A chore is one of the operations that the shell commands call, with its arguments, in a file of its own: whoever looks finds it, with how
far it is, and afterwards with what came of it.
"""

import json
import logging
import os
import re
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ui.errors import Failure, failure
from ui.loopback import Emit

_log = logging.getLogger(__name__)
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,90}")
_STARTS = 3  # after so many ends of the server in the middle of it, it is given up
Work = Callable[[str, Emit, dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Chore:
    """state: `waiting` for one of its kind. done, total, stage: how far it is. result, error: what came of it."""

    key: str
    operation: str
    args: dict[str, Any]
    by: str
    began: str
    state: Literal["waiting", "running", "done", "failed"] = "waiting"
    starts: int = 1
    done: int = 0
    total: int = 0
    stage: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    error: str = ""


class Chores:
    """The chores of a data folder, whose one owner this process is. Of one operation one is done at a time. Thread-safe."""

    def __init__(self, folder: Path, work: Work) -> None:
        """work: does an operation, given its name, `emit` and its arguments."""
        self._folder = folder
        self._work = work
        self._lock = threading.Lock()
        self._now: dict[str, Chore] = {}
        self._lanes: dict[str, threading.Lock] = {}  # one for each operation

    def begin(self, key: str, operation: str, by: str, args: dict[str, Any]) -> Chore:
        """Begin one; what an earlier one of this key came to is forgotten. Raises `Failure` while that is still being done."""
        if not _KEY.fullmatch(key):
            raise Failure(f"The name is {key[:80]!r}; allowed are letters, digits, '.', '_' and '-'.", 2)
        chore = Chore(key, operation, args, by, datetime.now(UTC).isoformat(timespec="seconds"))
        with self._lock:
            old = self._now.get(key)
            if old and old.state in ("waiting", "running"):
                raise Failure(f"{key} is being done already, since {old.began} for {old.by}; wait for its end.")
            self._keep(chore)
        self._start(chore)
        return chore

    def get(self, key: str) -> Chore | None:
        """One chore, None where there is none of this key."""
        with self._lock:
            return self._now.get(key)

    def drop(self, key: str) -> None:
        """Forget what has ended."""
        with self._lock:
            chore = self._now.get(key)
            if chore and chore.state in ("done", "failed"):
                del self._now[key]
                (self._folder / f"{key}.json").unlink(missing_ok=True)

    def resume(self) -> None:
        """Read what there is, and begin again what was cut off. Once, when the server starts."""
        for path in sorted(self._folder.glob("*.json")):
            try:
                chore = Chore(**json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError):
                _log.exception("the chore in %s cannot be read", path)
                continue
            cut = chore.state in ("waiting", "running")
            if cut and chore.starts >= _STARTS:
                chore = replace(chore, state="failed", error=f"The server ended {_STARTS} times in the middle of it. Look at its log.")
            elif cut:
                chore = replace(chore, state="waiting", starts=chore.starts + 1, done=0, total=0, stage="")
            with self._lock:
                self._keep(chore)
            if chore.state == "waiting":
                self._start(chore)

    def _start(self, chore: Chore) -> None:
        threading.Thread(target=self._do, args=(chore,), name=f"chore {chore.key}", daemon=True).start()

    def _do(self, chore: Chore) -> None:
        def emit(event: dict[str, Any]) -> None:
            if told := event.get("progress"):
                with self._lock:
                    now = self._now[chore.key]
                    self._now[chore.key] = replace(now, done=int(told["done"]), total=int(told["total"]), stage=str(told["name"]))

        with self._lanes.setdefault(chore.operation, threading.Lock()):
            with self._lock:
                self._keep(replace(chore, state="running"))
            try:
                ended = replace(chore, state="done", result=self._work(chore.operation, emit, chore.args))
            except Exception as error:  # noqa: BLE001  (told to whoever looks)
                told = failure(error)
                if str(told).startswith("Unexpected "):
                    _log.exception("a chore failed")
                ended = replace(chore, state="failed", error=str(told))
            with self._lock:
                self._keep(ended)

    def _keep(self, chore: Chore) -> None:
        """In memory and on the disk, whole or not at all."""
        self._now[chore.key] = chore
        self._folder.mkdir(mode=0o700, exist_ok=True)
        beside = self._folder / f".{chore.key}.new"
        beside.write_text(json.dumps(asdict(chore), ensure_ascii=False), encoding="utf-8")
        os.replace(beside, self._folder / f"{chore.key}.json")  # noqa: PTH105  (the same call, and it says that it overwrites)
