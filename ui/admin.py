"""The admin's page: documents and a search test, transcripts, users, API keys, the audit log; the panels of `ui.tuning` among them."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from finetune.errors import UnknownColumns
from ui import (
    archives,
    audit,
    operations,
    operations_backup,
    operations_documents,
    operations_finetune,
    operations_users,
    shelf,
    teaching,
    tuning,
)
from ui.archives import add_backups
from ui.build import rules
from ui.errors import Failure
from ui.operations_customers import TRANSCRIPTS
from ui.panels import Ask, Kept, action, mount_staff, rail, staff_page, top
from ui.tuning import TuningPanels, add_report

if TYPE_CHECKING:
    from ui.build import App

GROUPS = {
    "knowledge": ("documents", "transcripts"),
    "model": ("training", "adapters", "advice"),
    "access": ("users", "keys"),
    "product": ("settings", "backup", "audit"),
}
TABS = tuple(tab for group in GROUPS.values() for tab in group)
ACTIONS = (
    "show",
    "upload_documents",
    "remove_document",
    "reindex",
    "search_test",
    "check_transcripts",
    "import_transcripts",
    "add_user",
    "switch_user",
    "reset_user",
    "add_key",
    "revoke_key",
    "make_backup",
    *tuning.ACTIONS,
)
_BACKUP, _TAKE, _REINDEX = "backup", "documents", "reindex"  # the chores
MAX_UPLOAD = 12 * 2**20  # bytes, as `ui.middleware.BodyCap` has it


def mount_admin(fastapi: FastAPI, app: "App", path: str = "/admin") -> None:
    """Mount the page, behind `ui.guards.SignedIn`."""
    add_report(fastapi, app, path)
    add_backups(fastapi, app, path)
    page = staff_page(AdminPanels(app), ACTIONS)
    mount_staff(fastapi, page, path, "admin", data_dir=app.settings.data_dir, max_file_bytes=MAX_UPLOAD, styles=("admin.css",))


class AdminPanels(TuningPanels):
    """What admins do. Every change goes through the function that the shell command calls too."""

    def head(self, ask: Ask) -> dict[str, str]:
        """What stands around every panel."""
        tab = ask.place.get("tab", "")
        ask.place["tab"] = tab if tab in TABS else TABS[0]
        return {"top": top(ask, (), ["desk"]), "side": rail(ask, GROUPS)}

    def regions(self, ask: Ask) -> dict[str, str]:
        """The panel where somebody is."""
        tab = ask.place["tab"]
        found = self.tuning(ask, tab) if tab in tuning.TABS else self._panel(ask, tab)
        return {name: html for name, html in ({"main": "", "foot": "", "more": ""} | found).items() if html is not None}

    def _panel(self, ask: Ask, tab: str) -> dict[str, str | None]:
        if tab == "transcripts":
            told = teaching.looked_at(ask, ask.answers[0]) if ask.answers else ""
            return {"main": teaching.transcripts(ask), "foot": None if ask.quiet else told}  # a report stays where it is
        if tab == "users":
            return {"main": shelf.users(ask, self._do(operations_users.list_users)["users"])}
        if tab == "keys":
            return {"main": shelf.keys(ask, self._do(operations.list_keys)["keys"])}
        if tab == "backup":
            return {"main": archives.backups(ask, self._do(operations_backup.list_backups), self._chores.get(_BACKUP))}
        if tab == "audit":
            return {"main": shelf.audit(ask, self._do(operations_users.list_audit)["entries"])}
        listed = self._do(operations_documents.list_documents)["documents"]
        sought = ask.place.get("test", "")
        hits = self._do(operations.search, text=sought, k=8)["hits"] if sought else None
        doing = (self._chores.get(_TAKE), self._chores.get(_REINDEX))
        return {"main": shelf.documents(ask, listed, hits, doing, rules(self._app.settings).threshold)}

    @action("admin")
    def show(self, ask: Ask) -> None:
        """Look, without changing anything."""

    @action("admin")
    def upload_documents(self, ask: Ask) -> str:
        """Keep files, and take them in beside the page; how each went is told by its name."""
        files = [(name, str(_uploaded(path))) for name, path in ask.files]
        if not files:
            raise Failure(ask.words["no_files"], 2)
        if (taking := self._chores.get(_TAKE)) and taking.state in ("waiting", "running"):
            raise Failure(ask.words["still_taking_in"], 2)
        ask.place["test"] = ""  # what was found before stands no longer for what is in
        names = self._do(operations_documents.keep_documents, files=files)["names"]
        self._chores.begin(_TAKE, "take_documents", ask.user.name, {"names": names, "by": ask.user.name})
        return ask.words["taking_in"].format(n=len(names))

    @action("admin")
    def reindex(self, ask: Ask) -> str:
        """Make the index anew, beside the page."""
        self._chores.begin(_REINDEX, "reindex_documents", ask.user.name, {"by": ask.user.name})
        return ask.words["reindexing"]

    @action("admin")
    def remove_document(self, ask: Ask) -> str:
        """Forget a document."""
        self._do(operations_documents.remove_document, source=ask.data.get("source", ""), by=ask.user.name)
        return ask.words["removed"]

    @action("admin")
    def search_test(self, ask: Ask) -> None:
        """Look for something as the bot would."""
        ask.place["test"] = ask.data.get("text", "").strip()[:500]
        ask.place["threshold"] = ask.data.get("threshold", "")[:6]

    @action("admin")
    def check_transcripts(self, ask: Ask) -> None:
        """Keep a file of transcripts, and say what importing it would bring; of a table, ask which column is which where nobody knows."""
        folder = self._app.settings.data_dir / TRANSCRIPTS
        folder.mkdir(mode=0o700, exist_ok=True)
        again = folder / Path(ask.data.get("file", "")).name
        if len(ask.files) == 1:
            kept = operations_documents.keep(folder, ask.files[0][0], _uploaded(ask.files[0][1]))
        elif ask.data.get("file") and again.is_file():
            kept = again
        else:
            raise Failure(ask.words["no_files"], 2)
        columns = teaching.columns_of(ask.data)
        try:
            ask.answers.append({**self._import(kept, ask, columns, dry_run=True), "file": kept.name, "chosen": columns})
        except UnknownColumns as error:
            if not error.header:
                raise
            ask.answers.append({"file": kept.name, "header": error.header, "chosen": columns})
            if columns:
                raise Failure(ask.words["columns_hint"], 2) from None

    @action("admin")
    def import_transcripts(self, ask: Ask) -> str:
        """Propose to the pool what a file that was looked at holds."""
        path = self._app.settings.data_dir / TRANSCRIPTS / Path(ask.data.get("file", "")).name
        if not path.is_file():
            raise Failure(ask.words["no_files"], 2)
        approve = ask.data.get("approve") == "yes"
        done = self._import(path, ask, teaching.columns_of(ask.data), dry_run=False, approve=approve)
        said = f"{done['examples']} examples{', approved at once' if approve else ''}"
        audit.record(self._app.engine, ask.user.name, "transcripts.import", path.name, said)
        return ask.words["imported_approved" if approve else "imported"].format(n=done["examples"])

    def _import(self, path: Path, ask: Ask, columns: dict[str, str], *, dry_run: bool, approve: bool = False) -> dict[str, Any]:
        given = {"path": str(path), "columns": columns, "author": ask.user.name, "dry_run": dry_run, "approve": approve}
        return dict(self._do(operations_finetune.import_transcripts, **given))

    @action("admin")
    def make_backup(self, ask: Ask) -> str:
        """Write a backup; that may take a while, so the server does it beside the page."""
        self._chores.begin(_BACKUP, "make_backup", ask.user.name, {"by": ask.user.name})
        return ask.words["backup_begun"]

    @action("admin")
    def add_user(self, ask: Ask) -> str:
        """Make a user."""
        given = {name: ask.data.get(name, "") for name in ("name", "role", "shown")}
        made = self._do(operations_users.add_user, by=ask.user.name, **given)
        return Kept(ask.words["one_time"].format(name=made["name"]), made["password"])

    @action("admin")
    def switch_user(self, ask: Ask) -> str:
        """Shut a user out, or let them in again."""
        disabled = ask.data.get("disabled") == "true"
        self._do(operations_users.disable_user, name=ask.data.get("name", ""), disabled=disabled, by=ask.user.name)
        return ask.words["user_disabled" if disabled else "user_enabled"]

    @action("admin")
    def reset_user(self, ask: Ask) -> str:
        """A new one-time password."""
        made = self._do(operations_users.reset_user, name=ask.data.get("name", ""), by=ask.user.name)
        return Kept(ask.words["one_time"].format(name=made["name"]), made["password"])

    @action("admin")
    def add_key(self, ask: Ask) -> str:
        """Make an API key."""
        made = self._do(operations.add_key, name=ask.data.get("name", ""), by=ask.user.name)
        return Kept(ask.words["key_made"].format(name=made["name"]), made["key"])

    @action("admin")
    def revoke_key(self, ask: Ask) -> str:
        """End an API key."""
        self._do(operations.revoke_key, name=ask.data.get("name", ""), by=ask.user.name)
        return ask.words["key_revoked"]


def _uploaded(path: Path) -> Path:
    """The path where Gradio put an upload. Raises `Failure` for any other, which a browser may name as well."""
    folder = Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio").resolve()
    real = path.resolve()
    if not real.is_relative_to(folder) or not real.is_file():
        raise Failure("This file was not uploaded here. Choose it again.", 2)
    return real
