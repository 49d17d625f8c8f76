"""The product as people run it: in processes of its own, with the real index, model and pages, over the sample shop."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from filelock import FileLock

from tests.stub_openai import free_port

ROOT = Path(__file__).parents[1]
_MADE_OF = ("knowledge", "ui/sample_shop")  # an older schema is brought up to date by whoever opens it
_ONLY_SEARCHES = {f"knowledge/{name}.py" for name in ("fuse", "keyword", "metrics", "query", "spelling", "terms", "thesaurus")}
_START_S = 240  # a machine that runs other tests beside this one may need it


@dataclass(frozen=True)
class Server:
    """A running `answerdesk serve`. log: what it wrote, on stdout and on stderr."""

    process: subprocess.Popen[bytes]
    url: str
    folder: Path
    log: Path


def environment(**settings: str) -> dict[str, str]:
    """This process's, with these settings instead of the machine's own. Keeps models offline."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ANSWERDESK_")}
    return {**own, "HF_HUB_OFFLINE": "1", "COLUMNS": "200", **{f"ANSWERDESK_{name.upper()}": value for name, value in settings.items()}}


def answerdesk(
    *args: str, folder: Path, text: str | bytes | None = None, timeout: float = 300, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    given = text.encode() if isinstance(text, str) else text
    command = [sys.executable, "-m", "ui.cli", *args, "--data-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment(**settings), input=given, capture_output=True, timeout=timeout, check=False)
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


def as_json(done: subprocess.CompletedProcess[str], code: int = 0) -> Any:
    """The one JSON object that a command printed."""
    assert done.returncode == code, done.stderr or done.stdout
    assert done.stdout.count("\n") == 1, done.stdout
    return json.loads(done.stdout)


def start(folder: Path, port: int, **settings: str) -> Server:
    """A server, not waited for."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder.parent / f"{folder.name}.{port}.log"
    command = [sys.executable, "-m", "ui.cli", "serve", "--port", str(port), "--data-dir", str(folder)]
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(**settings), stdout=file, stderr=subprocess.STDOUT)
    return Server(process, f"http://127.0.0.1:{port}", folder, log)


def wait_until_ready(server: Server) -> None:
    """Return once questions are answered. Fails with the server's log when it ends before that."""
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            if httpx.get(f"{server.url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the server is not ready:\n{server.log.read_text(encoding='utf-8')}")


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Server]:
    """A ready server on a free port, killed afterwards."""
    server = start(folder, free_port(), **settings)
    try:
        wait_until_ready(server)
        yield server
    finally:
        server.process.kill()
        server.process.wait()


def sample_folder() -> Path:
    """A data folder with the sample shop in it, made again only when the shop or what reads it has changed. To be copied, not opened."""
    digest = hashlib.sha256()
    for path in sorted(path for part in _MADE_OF for path in (ROOT / part).rglob("*") if path.is_file() and path.suffix != ".pyc"):
        if (name := path.relative_to(ROOT).as_posix()) not in _ONLY_SEARCHES:
            digest.update(name.encode() + path.read_bytes())
    kept = ROOT / "build" / "tests"
    folder = kept / f"shop-{digest.hexdigest()[:16]}"
    kept.mkdir(parents=True, exist_ok=True)
    with FileLock(kept / "lock"):
        if not (folder / "complete").exists():
            for old in kept.glob("shop-*"):
                shutil.rmtree(old)
            done = answerdesk("sample", folder=folder, timeout=900)
            assert done.returncode == 0, done.stderr
            (folder / "complete").touch()
    return folder


def copy_of(folder: Path, to: Path) -> Path:
    """A copy of a data folder that may be written to."""
    return Path(shutil.copytree(folder, to))
