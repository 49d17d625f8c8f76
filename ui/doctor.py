"""What is installed, reachable, writable and consistent; each finding with its remedy. It changes nothing that was there before."""

import http.client
import os
import shutil
import smtplib
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from bot.backends.tokens import TokenCount
from bot.errors import BackendRejected
from bot.store import Store
from ui.errors import failure
from ui.languages import PageLanguage, page_texts
from ui.loopback import call
from ui.mail import MailServer
from ui.owner import Owned, claim
from ui.settings import SAMPLE_SHOP, Settings, named, unknown_settings

if TYPE_CHECKING:
    from ui.commands.shell import Tools

State = Literal["ok", "warning", "broken"]
_PYTHON = (3, 11)
_FREE_MB = {"broken": 50, "warning": 1000}
_BACKUP_DAYS = 7  # after which a backup is old


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. remedy: what to do, empty when it is ok. said: what both are made of, to be read in any language."""

    name: str
    state: State
    detail: str
    remedy: str = ""
    said: dict[str, Any] = field(default_factory=dict)


def in_words(said: Mapping[str, Any], language: PageLanguage) -> tuple[str, str]:
    """What was found, and what to do, from `Finding.said`: the keys `found` and `remedy` of `texts/doctor.<language>.toml`, and `given`."""
    texts = page_texts("doctor", language)
    return texts[said["found"]].format(**said["given"]), texts[said["remedy"]].format(**said["given"]) if said["remedy"] else ""


def _finding(name: str, state: State, found: str, remedy: str = "", /, **given: object) -> Finding:
    """found, remedy: keys of the texts. given: what is filled in."""
    said = {"found": found, "remedy": remedy, "given": {key: str(value) for key, value in given.items()}}
    return Finding(name, state, *in_words(said, "en"), said)


def findings(settings: Settings, tools: "Tools", *, fast: bool) -> Iterator[Finding]:
    """Look at one thing after the other. fast: does not load the embedding model."""
    yield _python()
    yield _packages()
    yield _spelling()
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
        if owned.server:
            yield _shop(settings, partial(_asked, owned, "sampled"))
            if not fast:
                yield from backends(partial(_asked, owned))
        if owned.server and not settings.database_url:
            yield _backup(partial(_asked, owned, "newest_backup"))
    if settings.hosted_url:
        yield _hosted(settings)
    if settings.hosted_tokenizer:
        yield _tokenizer(settings.hosted_tokenizer)
    if settings.notify_mail:
        yield _mail(settings)


def _python() -> Finding:
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] < _PYTHON:
        return _finding("python", "broken", "what", "newer_python", what=found, wanted=f"{_PYTHON[0]}.{_PYTHON[1]}")
    return _finding("python", "ok", "what", what=found)


def _packages() -> Finding:
    try:
        wanted = [line for line in requires("answerdesk") or () if "extra ==" not in line]
    except PackageNotFoundError:
        return _finding("packages", "warning", "not_installed", "install")
    from packaging.requirements import Requirement

    wrong = []
    for requirement in map(Requirement, wanted):
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} — ({requirement.specifier})")
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{requirement.name} {found} ({requirement.specifier})")
    if wrong:
        return _finding("packages", "broken", "packages_differ", "install_pinned", wrong="; ".join(wrong))
    return _finding("packages", "ok", "packages_fit", n=len(wanted))


def _spelling() -> Finding:
    """Whether all that looks like a setting is one."""
    if unknown := unknown_settings():
        return _finding("settings", "warning", "unknown_settings", "spell", names=named(unknown))
    return _finding("settings", "ok", "settings_known")


def _folder(data_dir: Path) -> Finding:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_dir) as file:
            file.write(b"x")
    except OSError as error:
        return _finding("data folder", "broken", "what", "writable", what=f"{data_dir}: {error.strerror}")
    return _finding("data folder", "ok", "what", what=data_dir.absolute())


def _disk(data_dir: Path) -> Finding:
    there = next(folder for folder in (data_dir.absolute(), *data_dir.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free // 2**20
    state: State = "broken" if free < _FREE_MB["broken"] else "warning" if free < _FREE_MB["warning"] else "ok"
    return _finding("disk", state, "free", "" if state == "ok" else "free_space", mb=f"{free:,}")


def _opened(settings: Settings, tools: "Tools", *, fast: bool) -> Iterator[Finding]:
    """The database and the index, by opening them the way the server does."""
    from ui.database import FILE_NAME, DatabaseError, open_engine
    from ui.operations_backends import BACKENDS
    from ui.operations_backup import newest_backup

    if not settings.database_url and not (settings.data_dir / FILE_NAME).exists():
        yield _finding("database", "ok", "no_database")
        yield _shop(settings, lambda: {"loaded": False})
        return
    try:
        engine = open_engine(settings.database_url or settings.data_dir)
    except DatabaseError as error:
        told = str(error).removesuffix(error.remedy).strip()
        yield _finding("database", "broken", "what", "remedy", what=told, remedy=error.remedy)
        return
    yield _finding("database", "ok", "opens")
    yield _shop(settings, lambda: {"loaded": Store(engine).get_setting("sample")})
    if fast:
        return
    try:
        app = tools.build(settings)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is the finding)
        yield _finding("index and model", "broken", "what", "do_so", what=failure(error))
        return
    yield _finding("embedding model", "ok", "what", what=settings.embedding_model)
    if not settings.database_url:
        yield _backup(lambda: newest_backup(app, lambda _: None))
    wrong = app.index.ready()
    counts = ", ".join(f"{name}: {app.index.count(name)}" for name in app.index.collections()) or "0"
    yield from backends(lambda operation, **args: BACKENDS[operation](app, lambda _: None, **args))
    if wrong:
        yield _finding("index", "broken", "index_wrong", "reindex", wrong=wrong, counts=counts)
    else:
        yield _finding("index", "ok", "index_holds", counts=counts)


def _backup(ask: Callable[[], dict[str, Any]]) -> Finding:
    """How old the newest backup is; where no customer ever wrote there is nothing to lose yet."""
    try:
        newest = ask()
    except Exception as error:  # noqa: BLE001  (whatever it is, it is the finding)
        return _finding("backup", "warning", "not_known", "look_later", what=failure(error))
    if newest["at"] is None:
        return (
            _finding("backup", "warning", "no_backup", "back_up") if newest["conversations"] else _finding("backup", "ok", "no_backup_yet")
        )
    days, old = newest["hours"] / 24, newest["hours"] > 24 * _BACKUP_DAYS
    given = {"file": newest["file"], "days": f"{days:.0f}", "hours": f"{newest['hours']:.0f}"}
    age = "backup_days" if days >= 2 else "backup_hours" if newest["hours"] >= 2 else "backup_new"
    return _finding("backup", "warning" if old else "ok", age, "back_up" if old else "", **given)


def _shop(settings: Settings, sampled: Callable[[], dict[str, Any]]) -> Finding:
    """Whether customers read a name; the sample shop has its own."""
    if settings.shop_name:
        return _finding("shop name", "ok", "what", what=settings.shop_name)
    try:
        sample = sampled()["loaded"]
    except Exception as error:  # noqa: BLE001  (a database of an older version, a server that hangs: found elsewhere)
        return _finding("shop name", "warning", "not_known", "name_shop", what=failure(error))
    return _finding("shop name", "ok", "what", what=SAMPLE_SHOP) if sample else _finding("shop name", "warning", "no_name", "name_shop")


def backends(do: Callable[..., dict[str, Any]]) -> Iterator[Finding]:
    """Whether those that have a part in the policy answer. do: an operation of `ui.operations_backends`, here or in the server."""
    try:
        names = [one["name"] for one in do("list_backends")["backends"] if one["part"] and one["kind"] != "extractive"]
        tested = do("ask_backends", names=names)["tested"] if names else []
    except Exception as error:  # noqa: BLE001  (whatever it is, it is the finding)
        yield _finding("backends", "warning", "not_known", "look_later", what=failure(error))
        return
    for one in tested:
        name = f"backend {one['name']}"
        yield _finding(name, "ok", "backend_answers") if one["ok"] else _finding(name, "broken", "what", "other_backend", what=one["error"])


def _asked(owned: Owned, operation: str, **args: Any) -> dict[str, Any]:
    """What the server that owns the folder says."""
    assert owned.server  # noqa: S101  (looked at by the caller)
    return call(owned.server, operation, args, lambda _: None)


def _port(settings: Settings) -> Finding:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host.strip("[]"), settings.port))
        except OSError as error:
            return _finding("port", "warning", "what", "other_port", what=f"{settings.host}:{settings.port}: {error.strerror}")
    return _finding("port", "ok", "port_free", where=f"{settings.host}:{settings.port}")


def _server(owned: Owned) -> Finding:
    """A process has the data folder: a server can be asked whether it is ready; another command is left alone."""
    if not owned.server:
        return _finding("data folder's owner", "warning", "owned", "look_after", doing=owned.doing, pid=owned.pid)
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
    where = {"url": owned.server.url, "pid": owned.pid}
    if status == 200:
        return _finding("server", "ok", "server_ready", **where)
    return _finding("server", "broken", "server_not_ready", "restart", **where, said=said[:300])


def _hosted(settings: Settings) -> Finding:
    """Whether something listens where the hosted model should be; its key and model show when it is asked."""
    address = urlsplit(settings.hosted_url)
    if not address.hostname:
        return _finding("hosted backend", "broken", "no_address", "start_hosted", url=settings.hosted_url)
    proxied = any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"))
    try:
        socket.create_connection((address.hostname, address.port or (443 if address.scheme == "https" else 80)), timeout=5).close()
    except OSError as error:
        state: State = "warning" if proxied else "broken"
        return _finding("hosted backend", state, "what", "start_hosted", what=f"{settings.hosted_url}: {error}")
    return _finding("hosted backend", "ok", "hosted_answers", url=settings.hosted_url)


def _tokenizer(source: str) -> Finding:
    """Whether the hosted model's tokenizer can be opened."""
    try:
        count = TokenCount(source)
    except BackendRejected as error:
        return _finding("tokenizer", "broken", "what", "other_tokenizer", what=str(error))
    count.begin().join()
    if count.wrong:
        return _finding("tokenizer", "warning", "what", "other_tokenizer", what=f"{source}: {count.wrong}")
    return _finding("tokenizer", "ok", "what", what=source)


def _mail(settings: Settings) -> Finding:
    """Whether the mail server lets us in; nothing is sent."""
    server = MailServer.read(settings.smtp_url.get_secret_value())
    where = f"{server.host}:{server.port}"
    try:
        with server.open() as connection:
            connection.noop()
    except (smtplib.SMTPException, OSError) as error:
        said = f"{where}: {getattr(error, 'smtp_code', '') or getattr(error, 'strerror', '') or type(error).__name__}"
        return _finding("mail server", "broken", "what", "correct_mail", what=said)
    return _finding("mail server", "ok", "mail_answers", where=where, n=len(settings.notify_mail))
