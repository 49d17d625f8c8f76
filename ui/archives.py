"""The administration's panel about backups: make one, see those that there are, take one along."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from ui import operations_backup
from ui.chores import Chore
from ui.errors import failure
from ui.panels import Ask, button, e, empty, moment
from ui.pieces import row, table
from ui.roles import user_of
from ui.runs import working

if TYPE_CHECKING:
    from ui.build import App

Json = Mapping[str, Any]


def add_backups(fastapi: FastAPI, app: "App", path: str = "/admin") -> None:
    """Where a backup is downloaded, behind `ui.guards.SignedIn` and a look at the role of our own; each download is in the audit log."""

    @fastapi.get(f"{path}/backup/{{name}}")
    async def download(request: Request, name: str) -> Response:
        try:
            user = user_of(gr.Request(request), "admin")
            file = await run_in_threadpool(operations_backup.take_backup, app, lambda _: None, name=name, by=user.name)
        except PermissionError as error:
            return PlainTextResponse(str(error), 403)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is told in words)
            return PlainTextResponse(str(failure(error)), 404)
        return FileResponse(file["file"], media_type="application/zip", filename=name, headers={"Cache-Control": "no-store"})


def backups(ask: Ask, found: Json, chore: Chore | None) -> str:
    """The backups in their folder, and one that is being made."""
    words = ask.words
    head = f'<h2>{e(words["tab_backup"])}</h2><p class="hint">{e(words["backup_hint"])}</p>'
    if found["refused"]:
        return f'<div class="page">{head}{empty(words["backup_refused"], found["refused"])}</div>'
    busy = chore is not None and chore.state in ("waiting", "running")
    doing = working(ask, words["backup_made_now"], chore) if chore and chore.state != "done" else ""
    act = "" if busy else f'<div class="acts">{button("make_backup", words["make_backup"], "primary")}</div>'
    where = f'<p class="by">{e(words["backup_folder"].format(folder=found["folder"]))}</p>'
    rows = "".join(
        row((moment(one["at"]), f"<code>{e(one['name'])}</code>", e(size(one["bytes"])), _link(words, one["name"])))
        for one in found["backups"]
    )
    listed = (
        table(words, ("made", "backup_file", "backup_size", ""), rows) if rows else empty(words["no_backups"], words["no_backups_hint"])
    )
    return f'<div class="page" data-scroll="page">{head}{act}{doing}{listed}{where}</div>'


def _link(words: Mapping[str, str], name: str) -> str:
    told = e(f"{words['download']}: {name}")
    return (
        f'<div class="acts"><a class="button" href="/admin/backup/{e(name)}" download aria-label="{told}">{e(words["download"])}</a></div>'
    )


def size(number: int) -> str:
    """Bytes as people read them."""
    return f"{number / 2**30:.1f} GB" if number >= 2**30 else f"{number / 2**20:.1f} MB"
