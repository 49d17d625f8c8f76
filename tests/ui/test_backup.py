"""All of a data folder in one file and back: conversations, examples, policy, uploads, adapters."""

import fcntl
import json
import os
import sqlite3
import stat
import threading
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bot.examples import Pool
from bot.messages import Answer, Example, Request
from bot.policy import Adapter
from finetune.adapters import check
from finetune.registry import Registry
from tests.finetune.adapting import adapter
from tests.ui.test_cli import as_json, serving
from tests.ui.test_cli import run as shell
from ui import audit, swap
from ui.accounts import Accounts
from ui.backup import MANIFEST, write
from ui.build import Desk, open_desk
from ui.commands.shell import Tools
from ui.errors import Failure
from ui.operations_documents import keep
from ui.owner import claim
from ui.settings import load_settings


def run(*args: str) -> Any:
    """On a real database; neither command needs an index."""
    return shell(*args, tools=Tools())


def opened(folder: Path) -> Desk:
    return open_desk(load_settings(data_dir=folder))


def filled(folder: Path) -> Desk:
    """A data folder with something of everything that a shop would miss."""
    desk = opened(folder)
    got = desk.store.receive(Request("How long is the warranty?", "talk", "anna"))
    desk.store.finish(Answer("24 months.", "talk", got.message), {})
    Pool(desk.engine).add(Example("e1", "What is the warranty?", "24 months.", state="approved"), "lena")
    uploads = folder / "documents"
    uploads.mkdir()
    (folder / "page.md").write_text("# Warranty\n\n24 months.\n", encoding="utf-8")
    keep(uploads, "质保 (1).md", folder / "page.md")
    desk.backends.add("local", "local", {"model": "starter"})
    registry = Registry(desk.engine, desk.policies)
    registry.register("r1", adapter(folder / "runs" / "r1" / "adapter"), ["talk"])
    registry.promote("r1", "local", "lena", override="a test")
    (folder / "runs" / "r1" / "job.json").write_text(json.dumps({"config": {"base": f"{folder}/models/m"}}), encoding="utf-8")
    (folder / "runs" / "r1" / "lock").touch()
    (folder / "secret").write_text("of the cookies", encoding="utf-8")
    (folder / "chroma").mkdir()
    (folder / "chroma" / "vectors.bin").write_bytes(b"x" * 1000)
    return desk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    filled(place).engine.dispose()
    return place


@pytest.fixture
def archive(folder: Path, tmp_path: Path) -> Path:
    file = tmp_path / "a.zip"
    assert run("backup", str(file), "--data-dir", str(folder)).exit_code == 0
    return file


def test_everything_comes_back_in_another_place(folder: Path, archive: Path, tmp_path: Path):
    with zipfile.ZipFile(archive) as packed:
        manifest = json.loads(packed.read(MANIFEST))
        names = set(packed.namelist())
    assert names - {MANIFEST} == set(manifest["files"])
    assert names >= {"answerdesk.db", "documents/质保 (1).md", "runs/r1/adapter/adapter_model.safetensors", "secret", "runs/r1/job.json"}
    assert not [name for name in names if "chroma" in name or "lock" in name or name.endswith(("-wal", "-shm"))]
    assert (manifest["format"], manifest["schema"][:2]) == (1, "00")
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    there = tmp_path / "elsewhere" / "data"
    result = as_json(run("restore", str(archive), "--json", "--data-dir", str(there)))
    assert (result["files"], result["moved_aside"], result["schema"]) == (len(names) - 1, None, manifest["schema"])
    desk = opened(there)
    assert [line.text for line in desk.store.transcript("talk", "anna")] == ["How long is the warranty?", "24 months."]
    assert [example.answer for example in Pool(desk.engine).list("approved")] == ["24 months."]
    assert (there / "documents" / "质保 (1).md").read_text(encoding="utf-8") == "# Warranty\n\n24 months.\n"
    assert (there / "secret").read_text() == "of the cookies"
    entry, policy = Registry(desk.engine, desk.policies).get("r1"), desk.policies.newest()
    assert entry.folder == str(there / "runs" / "r1" / "adapter")
    assert check(Path(entry.folder)).sha256 == entry.sha256
    assert (policy.default, policy.adapters["local"]) == ("local", Adapter("r1", entry.folder, entry.sha256))
    assert json.loads((there / "runs/r1/job.json").read_text())["config"]["base"] == f"{there}/models/m"
    assert not (there / "chroma").exists()
    assert [stat.S_IMODE((there / name).stat().st_mode) for name in ("", "answerdesk.db", "secret")] == [0o700, 0o600, 0o600]
    desk.engine.dispose()


def test_a_backup_of_a_running_server_goes_through_it(folder: Path, tmp_path: Path):
    file = tmp_path / "a.zip"
    with serving(folder) as server:
        assert server
        result = as_json(run("backup", str(file), "--json", "--data-dir", str(folder)))
        refused = run("restore", str(file), "--force", "--data-dir", str(folder))
        newest = [found for found in as_json(run("doctor", "--json", "--data-dir", str(folder)))["findings"] if found["name"] == "backup"]
    assert (refused.exit_code, "is in use by `answerdesk serve`" in refused.stderr) == (1, True)
    assert [(found["state"], str(file) in found["detail"]) for found in newest] == [("ok", True)]
    assert (result["file"], result["bytes"]) == (str(file), file.stat().st_size)
    assert run("restore", str(file), "--data-dir", str(tmp_path / "new")).exit_code == 0
    assert opened(tmp_path / "new").store.conversations_of("anna") == ["talk"]
    assert "backup" in [entry.what for entry in audit.entries(opened(folder).engine)]


def test_a_copy_made_while_others_write_is_of_one_moment(tmp_path: Path):
    desk = opened(tmp_path / "data")
    over = threading.Event()

    def chat() -> None:
        number = 0
        while not over.is_set():
            got = desk.store.receive(Request(f"question {number}", f"c{number}", "anna"))
            desk.store.finish(Answer("answer " * 200, f"c{number}", got.message), {})
            number += 1

    writer = threading.Thread(target=chat)
    writer.start()
    try:
        for number in range(3):
            write(desk.engine, tmp_path / "data", tmp_path / f"{number}.zip")
    finally:
        over.set()
        writer.join()
    for number in range(3):
        with zipfile.ZipFile(tmp_path / f"{number}.zip") as packed:
            packed.extract("answerdesk.db", tmp_path / str(number))
        copy = sqlite3.connect(tmp_path / str(number) / "answerdesk.db")
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT max(n) - min(n) FROM (SELECT count(*) n FROM messages GROUP BY conversation)").fetchone()[0] in {
            0,
            1,
            None,
        }
        copy.close()
    desk.engine.dispose()


def test_where_it_may_not_be_written(folder: Path, tmp_path: Path, archive: Path):
    before = archive.read_bytes()
    for file, said in (
        (archive, "is there already"),
        (tmp_path, "is a folder"),
        (tmp_path / "none" / "a.zip", "make that folder first"),
        (folder / "a.zip", "lies in the data folder"),
    ):
        result = run("backup", str(file), "--data-dir", str(folder))
        assert (result.exit_code, said in result.stderr) == (2, True), result.stderr
    assert archive.read_bytes() == before
    assert run("backup", str(archive), "--force", "--data-dir", str(folder)).exit_code == 0
    nothing = run("backup", str(tmp_path / "b.zip"), "--data-dir", str(tmp_path / "empty"))
    assert (nothing.exit_code, "nothing to back up" in nothing.stderr) == (2, True)
    assert not (tmp_path / "empty").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "data"]


def test_postgresql_has_its_own_tools(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, archive: Path):
    monkeypatch.setenv("ANSWERDESK_DATABASE_URL", "postgresql://u:hunter2@127.0.0.1:1/d")
    for args in (("backup", str(tmp_path / "b.zip")), ("restore", str(archive))):
        result = run(*args, "--data-dir", str(folder))
        assert (result.exit_code, "pg_dump" in result.stderr, "secret" in result.stderr.replace("models and secret of", "")) == (
            2,
            True,
            False,
        )
    monkeypatch.setenv("ANSWERDESK_DATABASE_URL", f"sqlite:///{tmp_path}/other.db")
    assert "unset ANSWERDESK_DATABASE_URL" in run("restore", str(archive), "--data-dir", str(tmp_path / "n")).stderr


def test_a_database_by_url_is_backed_up_too(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ANSWERDESK_DATABASE_URL", f"sqlite:///{folder}/other.db")
    open_desk(load_settings(data_dir=folder)).store.receive(Request("hello", "elsewhere", "bert"))
    assert run("backup", str(tmp_path / "b.zip"), "--data-dir", str(folder)).exit_code == 0
    monkeypatch.delenv("ANSWERDESK_DATABASE_URL")
    assert run("restore", str(tmp_path / "b.zip"), "--data-dir", str(tmp_path / "new")).exit_code == 0
    assert opened(tmp_path / "new").store.conversations_of("bert") == ["elsewhere"]
    assert not (tmp_path / "new" / "other.db").exists()


def test_links_are_left_out_and_told(folder: Path, tmp_path: Path):
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "key").write_text("not ours")
    (folder / "documents" / "link").symlink_to(tmp_path / "private" / "key")
    (folder / "documents" / "folder").symlink_to(tmp_path / "private")
    result = as_json(run("backup", str(tmp_path / "b.zip"), "--json", "--data-dir", str(folder)))
    assert [(left["file"], left["why"]) for left in result["left_out"]] == [
        ("documents/folder", "it is a link"),
        ("documents/link", "it is a link"),
    ]
    assert b"not ours" not in (tmp_path / "b.zip").read_bytes()


def test_a_damaged_database_is_not_backed_up(folder: Path, tmp_path: Path):
    with (folder / "answerdesk.db").open("r+b") as file:
        file.seek(30_000)
        file.write(os.urandom(20_000))
    result = run("backup", str(tmp_path / "b.zip"), "--data-dir", str(folder))
    assert (result.exit_code, "damaged" in result.stderr) == (1, True), result.stderr
    assert not (tmp_path / "b.zip").exists()


def test_a_full_folder_is_moved_aside_never_deleted(folder: Path, archive: Path):
    opened(folder).store.receive(Request("since then", "later", "anna"))
    refused = run("restore", str(archive), "--data-dir", str(folder))
    assert (refused.exit_code, "is not empty" in refused.stderr) == (2, True)
    assert opened(folder).store.conversations_of("anna")[0] == "later"
    result = as_json(run("restore", str(archive), "--force", "--json", "--data-dir", str(folder)))
    assert opened(folder).store.conversations_of("anna") == ["talk"]
    aside = Path(result["moved_aside"])
    assert opened(aside).store.conversations_of("anna") == ["later", "talk"]
    assert (aside / "chroma" / "vectors.bin").exists()
    again = as_json(run("restore", str(archive), "--force", "--json", "--data-dir", str(folder)))
    assert Path(again["moved_aside"]) != aside
    assert opened(aside).store.conversations_of("anna") == ["later", "talk"]


def test_a_run_that_is_training_is_not_pulled_away(folder: Path, archive: Path):
    lock = os.open(folder / "runs" / "r1" / "lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    result = run("restore", str(archive), "--force", "--data-dir", str(folder))
    assert (result.exit_code, "finetune jobs stop r1" in result.stderr) == (1, True)
    os.close(lock)
    assert run("restore", str(archive), "--force", "--data-dir", str(folder)).exit_code == 0


def test_who_was_signed_in_has_to_sign_in_again(folder: Path, tmp_path: Path):
    accounts = Accounts(opened(folder).engine)
    password = accounts.add("lena", "lead", "Lena")
    session = accounts.sign_in("lena", password)
    assert accounts.who(session)
    assert run("backup", str(tmp_path / "b.zip"), "--data-dir", str(folder)).exit_code == 0
    assert run("restore", str(tmp_path / "b.zip"), "--data-dir", str(tmp_path / "new")).exit_code == 0
    restored = Accounts(opened(tmp_path / "new").engine)
    assert restored.who(session) is None
    assert restored.sign_in("lena", password)


class Killed(BaseException):
    """Stands for the process ending at this point."""


@pytest.mark.parametrize("step", range(1, 16))
def test_a_kill_at_any_step_leaves_the_old_or_the_new(step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = tmp_path / "data"
    with claim(data, "test"):
        for name in ("db", "documents", "runs"):
            (data / name).mkdir()
            (data / name / "of").write_text("old")
    steps = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps == step:
                raise Killed
            return real(*args, **kwargs)

        return call

    with claim(data, "test"), pytest.MonkeyPatch.context() as patch:
        new = swap.stage(data)
        for name in ("db", "documents", "more"):
            (new / name).mkdir()
            (new / name / "of").write_text("new")
        for name in ("rename", "unlink", "mkdir"):
            patch.setattr(Path, name, counted(getattr(Path, name)))
        with suppress(Killed):
            swap.commit(data)
    with claim(data, "next"):
        pass
    found = {name: (data / name / "of").read_text() for name in swap.content(data)}
    old, new_ = dict.fromkeys(("db", "documents", "runs"), "old"), dict.fromkeys(("db", "documents", "more"), "new")
    assert found in (old, new_)
    asides = [path for path in data.iterdir() if path.name.startswith(swap.ASIDE)]
    kept = {name: (asides[0] / name / "of").read_text() for name in ("db", "documents", "runs")} if found == new_ else old
    assert kept == old
    assert not (data / swap.STAGE).exists()


def test_a_failure_while_it_is_unpacked_leaves_everything(folder: Path, archive: Path):
    before = {path.name: path.stat().st_ino for path in folder.rglob("*") if path.suffix not in {".lock", ".db-wal", ".db-shm"}}
    with zipfile.ZipFile(archive, "a") as packed:
        packed.writestr("more.txt", "not in the manifest")
    assert run("restore", str(archive), "--force", "--data-dir", str(folder)).exit_code == 1
    assert {name: path.stat().st_ino for name in before for path in folder.rglob(name)} == before
    assert opened(folder).store.conversations_of("anna") == ["talk"]


def test_a_backup_of_a_newer_version_is_refused(folder: Path, tmp_path: Path):
    desk = opened(folder)
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    write(desk.engine, folder, tmp_path / "b.zip")
    desk.engine.dispose()
    result = run("restore", str(tmp_path / "b.zip"), "--data-dir", str(tmp_path / "new"))
    assert (result.exit_code, "newer version" in result.stderr) == (1, True)
    assert swap.content(tmp_path / "new") == []
    with pytest.raises(Failure, match="is there already"):
        write(desk.engine, folder, tmp_path / "b.zip")
