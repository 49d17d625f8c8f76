"""What is installed, reachable, writable and consistent; each finding with its remedy. It changes nothing that was there before."""

import http.client
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from ui.errors import failure
from ui.loopback import call
from ui.owner import Owned, claim
from ui.settings import Settings

if TYPE_CHECKING:
    from ui.commands.shell import Tools

State = Literal["ok", "warning", "broken"]
_PYTHON = (3, 11)
_FREE_MB = {"broken": 50, "warning": 1000}
_BACKUP_DAYS = 7  # after which a backup is old


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. remedy: what to do, empty when it is ok."""

    name: str
    state: State
    detail: str
    remedy: str = ""


def findings(settings: Settings, tools: "Tools", *, fast: bool) -> Iterator[Finding]:
    """Look at one thing after the other. fast: does not load the embedding model."""
    yield _python()
    yield _packages()
    folder = _folder(settings.data_dir)
    yield folder
    yield _disk(settings.data_dir)
    if folder.state == "broken":
        return
    try:
        with claim(settings.data_dir, "doctor"):
            yield from _opened(settings, tools, fast=fast)
            yield _port(settings)
    except Owned as owned:
        yield _server(owned)
        if owned.server and not settings.database_url:
            yield _backup(partial(call, owned.server, "newest_backup", {}, lambda _: None))
    if settings.hosted_url:
        yield _hosted(settings)


def _python() -> Finding:
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] < _PYTHON:
        return Finding("python", "broken", found, f"Install Python {_PYTHON[0]}.{_PYTHON[1]} or newer and run `make run` again.")
    return Finding("python", "ok", found)


def _packages() -> Finding:
    try:
        wanted = [line for line in requires("answerdesk") or () if "extra ==" not in line]
    except PackageNotFoundError:
        return Finding("packages", "warning", "answerdesk itself is not installed", "Install it: pip install -e .")
    from packaging.requirements import Requirement

    wrong = []
    for requirement in map(Requirement, wanted):
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{requirement.name} is {found}, wanted {requirement.specifier}")
    if wrong:
        return Finding("packages", "broken", "; ".join(wrong), "Install what is pinned: pip install -r requirements.lock")
    return Finding("packages", "ok", f"{len(wanted)} as they should be")


def _folder(data_dir: Path) -> Finding:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_dir) as file:
            file.write(b"x")
    except OSError as error:
        remedy = "Give its owner the right to write, or choose another with --data-dir."
        return Finding("data folder", "broken", f"{data_dir}: {error.strerror}", remedy)
    return Finding("data folder", "ok", str(data_dir.absolute()))


def _disk(data_dir: Path) -> Finding:
    there = next(folder for folder in (data_dir.absolute(), *data_dir.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free // 2**20
    state: State = "broken" if free < _FREE_MB["broken"] else "warning" if free < _FREE_MB["warning"] else "ok"
    return Finding("disk", state, f"{free:,} MB free", "" if state == "ok" else "Free some space on the data folder's disk.")


def _opened(settings: Settings, tools: "Tools", *, fast: bool) -> Iterator[Finding]:
    """The database and the index, by opening them the way the server does."""
    from ui.database import FILE_NAME, DatabaseError, open_engine
    from ui.operations_backup import newest_backup

    if not settings.database_url and not (settings.data_dir / FILE_NAME).exists():
        yield Finding("database", "ok", "none yet; the first command makes it")
        return
    try:
        open_engine(settings.database_url or settings.data_dir).dispose()
    except DatabaseError as error:
        yield Finding("database", "broken", str(error).removesuffix(error.remedy).strip(), error.remedy)
        return
    yield Finding("database", "ok", "opens")
    if fast:
        return
    try:
        app = tools.build(settings)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is the finding)
        yield Finding("index and model", "broken", str(failure(error)), "Do what the message says, then run doctor again.")
        return
    yield Finding("embedding model", "ok", settings.embedding_model)
    if not settings.database_url:
        yield _backup(lambda: newest_backup(app, lambda _: None))
    wrong = app.index.ready()
    counts = ", ".join(f"{name}: {app.index.count(name)} chunks" for name in app.index.collections()) or "empty"
    if wrong:
        yield Finding("index", "broken", f"{wrong} ({counts})", "Run `answerdesk ingest` on your documents again; it repairs the index.")
    else:
        yield Finding("index", "ok", counts)


def _backup(ask: Callable[[], dict[str, Any]]) -> Finding:
    """How old the newest backup is; where no customer ever wrote there is nothing to lose yet."""
    remedy = "Make one, at best every night: answerdesk backup FILE."
    try:
        newest = ask()
    except Exception as error:  # noqa: BLE001  (whatever it is, it is the finding)
        return Finding("backup", "warning", f"not known: {failure(error)}", "Run doctor again when the rest is well.")
    if newest["at"] is None:
        return Finding("backup", "warning", "none", remedy) if newest["conversations"] else Finding("backup", "ok", "none yet")
    days = newest["hours"] / 24
    age = f"{days:.0f} days" if days >= 2 else f"{newest['hours']:.0f} hours" if newest["hours"] >= 2 else "under two hours"
    said = f"{age} old: {newest['file']}"
    return Finding("backup", "warning", said, remedy) if days > _BACKUP_DAYS else Finding("backup", "ok", said)


def _port(settings: Settings) -> Finding:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host.strip("[]"), settings.port))
        except OSError as error:
            remedy = "Stop what uses it, or set another port: ANSWERDESK_PORT."
            return Finding("port", "warning", f"{settings.host}:{settings.port}: {error.strerror}", remedy)
    return Finding("port", "ok", f"{settings.host}:{settings.port} is free")


def _server(owned: Owned) -> Finding:
    """A process has the data folder: a server can be asked whether it is ready; another command is left alone."""
    if not owned.server:
        remedy = "Run doctor again when it has ended."
        return Finding("data folder's owner", "warning", f"`answerdesk {owned.doing}`, process {owned.pid}", remedy)
    address = urlsplit(owned.server.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = answer.read().decode(errors="replace")
    except OSError as error:
        said, status = str(error), 0
    else:
        status = answer.status
    finally:
        connection.close()
    where = f"{owned.server.url}, process {owned.pid}"
    if status == 200:
        return Finding("server", "ok", f"ready at {where}")
    remedy = f"Look at its log; stop it (kill {owned.pid}) and start it again."
    return Finding("server", "broken", f"not ready at {where}: {said[:300]}", remedy)


def _hosted(settings: Settings) -> Finding:
    """Whether something listens where the hosted model should be; its key and model show when it is asked."""
    address = urlsplit(settings.hosted_url)
    remedy = "Start that server, or correct ANSWERDESK_HOSTED_URL. Until then the extractive backend answers."
    if not address.hostname:
        return Finding("hosted backend", "broken", f"{settings.hosted_url!r} is not an address", remedy)
    proxied = any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"))
    try:
        socket.create_connection((address.hostname, address.port or (443 if address.scheme == "https" else 80)), timeout=5).close()
    except OSError as error:
        state: State = "warning" if proxied else "broken"
        return Finding("hosted backend", state, f"{settings.hosted_url}: {error}", remedy)
    return Finding("hosted backend", "ok", f"{settings.hosted_url} answers")
