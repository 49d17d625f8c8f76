"""The administration's panel about backups, and doctor in both languages."""

import re
import time
import zipfile
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from tests.ui.shop import PASSWORD, Shop, shop, user, web
from tests.ui.test_cli import as_json
from tests.ui.test_cli import run as shell
from tests.ui.test_tuning import page, press
from ui import audit, operations_backup
from ui.admin import AdminPanels
from ui.commands.shell import Tools
from ui.doctor import findings, in_words
from ui.errors import Failure
from ui.languages import page_texts

ROOT = Path(__file__).parents[2]


@pytest.fixture
def app(tmp_path: Path) -> Shop:
    made = shop(tmp_path / "data")
    user(made, "root", "admin", "Root")
    user(made, "lea", "lead", "Lea")
    return made


def names(app: Shop) -> list[str]:
    return [one["name"] for one in operations_backup.list_backups(cast("Any", app), lambda _: None)["backups"]]


def test_one_is_made_listed_and_downloaded_by_admins_alone(app: Shop):
    panels, place = AdminPanels(cast("Any", app)), {"tab": "backup"}
    assert "No backups yet" in page(press(app, panels, "show", place=place))
    assert not press(app, panels, "make_backup", place=place)["wrong"]
    for _ in range(600):
        shown = page(press(app, panels, "show", "zh", place))
        if "立即备份" in shown:  # not while one is being made
            break
        time.sleep(0.1)
    (name,) = names(app)
    assert f'href="/admin/backup/{name}"' in shown
    served = web(app)
    for who, status in ((None, 401), ("lea", 403), ("root", 200)):
        client = TestClient(served, base_url="http://127.0.0.1")
        if who:
            client.post("/login", data={"name": who, "password": PASSWORD})
        answer = client.get(f"/admin/backup/{name}", headers={"accept": "application/json"})
        assert answer.status_code == status, who
    (app.settings.data_dir.parent / "got.zip").write_bytes(answer.content)
    assert "answerdesk.db" in zipfile.ZipFile(app.settings.data_dir.parent / "got.zip").namelist()
    assert [(entry.who, entry.what) for entry in audit.entries(app.engine)][:2] == [("root", "backup.download"), ("root", "backup")]
    for other in ("..%2Fdata%2Fanswerdesk.db", "answerdesk.db", "nothing.zip"):
        assert client.get(f"/admin/backup/{other}").status_code == 404


def test_nothing_but_backups_is_taken(app: Shop, tmp_path: Path):
    folder = app.settings.backups
    folder.mkdir()
    (tmp_path / "elsewhere.zip").write_bytes(b"not for anybody")
    (folder / "link.zip").symlink_to(tmp_path / "elsewhere.zip")
    (folder / "notes.txt").write_bytes(b"neither")
    assert names(app) == []
    with pytest.raises(Failure, match="no backup"):
        operations_backup.take_backup(cast("Any", app), lambda _: None, name="link.zip", by="root")


def test_the_shell_makes_and_lists_them_too(tmp_path: Path):
    data = str(tmp_path / "data")
    shell("keys", "add", "a", "--data-dir", data, tools=Tools())
    made = as_json(shell("backup", "--json", "--data-dir", data, tools=Tools()))
    assert Path(made["file"]).parent == tmp_path / "data-backups"
    listed = as_json(shell("backup", "--list", "--json", "--data-dir", data, tools=Tools()))
    assert [one["name"] for one in listed["backups"]] == [Path(made["file"]).name]
    assert listed["backups"][0]["bytes"] == made["bytes"]


def test_what_doctor_says_is_said_in_chinese_too(app: Shop):
    settings = app.settings.model_copy(update={"port": 1})
    for found in findings(settings, Tools(), fast=True):
        told, remedy = in_words(found.said, "zh")
        assert in_words(found.said, "en") == (found.detail, found.remedy)
        assert bool(remedy) == bool(found.remedy)
        if found.name == "hosted backend":
            assert "请启动该服务" in remedy
        if found.name == "disk":
            assert "剩余" in told


def test_everything_in_the_audit_log_has_a_name():
    written = set()
    for path in (ROOT / "ui").rglob("*.py"):
        for call in re.findall(r"audit\.record(?:,|\()[^\n]*", path.read_text(encoding="utf-8")):
            written |= set(re.findall(r'"([a-z]+(?:\.[a-z_]+)?)"', call))
    written -= {"shell", "shop", "id", "why", "comment"}  # what stands beside it
    assert len(written) > 20
    assert written - page_texts("audit", "en").keys() == set()
