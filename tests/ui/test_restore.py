"""What is no backup, or no longer one, is refused before anything is touched."""

import hashlib
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ui.test_backup import filled, run
from ui import swap
from ui.backup import LEFT_OUT, MANIFEST, storable_name, write
from ui.errors import Failure
from ui.relocate import moved
from ui.restore import read, restore

Files = dict[str, bytes]
Change = Callable[[dict[str, Any], Files], None]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made")
    desk = filled(place / "data")
    write(desk.engine, place / "data", place / "a.zip")
    desk.engine.dispose()
    return place / "a.zip"


def changed(archive: Path, to: Path, change: Change) -> Path:
    """The archive with its manifest and its files changed."""
    with zipfile.ZipFile(archive) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    manifest = json.loads(files.pop(MANIFEST))
    change(manifest, files)
    with zipfile.ZipFile(to, "w") as packed:
        for name, held in files.items():
            packed.writestr(name, held)
        packed.writestr(MANIFEST, json.dumps(manifest))
    return to


def refused(file: Path, folder: Path) -> Failure:
    """How it is refused, and that it left nothing."""
    folder.mkdir()
    with pytest.raises(Failure) as caught:
        restore(file, folder)
    assert list(folder.iterdir()) == []
    return caught.value


def planted(name: str) -> Change:
    """A file of this name, with the manifest to match."""

    def change(manifest: dict[str, Any], files: Files) -> None:
        files[name] = b"planted"
        manifest["files"][name] = {"sha256": hashlib.sha256(b"planted").hexdigest(), "bytes": 7}

    return change


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "/etc/cron.d/x",
        "documents/../../x",
        "a//b",
        "./x",
        "documents/",
        "chroma/x",
        "owner.lock",
        ".restore/x",
        "server.token",
    ],
)
def test_no_name_leads_out_of_the_folder_or_to_what_is_not_content(name: str, archive: Path, tmp_path: Path):
    assert "cannot be restored" in str(refused(changed(archive, tmp_path / "b.zip", planted(name)), tmp_path / "data"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.zip", "data"]


def tampered(manifest: dict[str, Any], files: Files) -> None:
    files["secret"] = b"of THE cookies"


def lacking(manifest: dict[str, Any], files: Files) -> None:
    del files["secret"]


def unlisted(manifest: dict[str, Any], files: Files) -> None:
    files["more"] = b"x"


def shorter(manifest: dict[str, Any], files: Files) -> None:
    files["secret"] = b"of"


def without_database(manifest: dict[str, Any], files: Files) -> None:
    del files["answerdesk.db"], manifest["files"]["answerdesk.db"]


def no_database(manifest: dict[str, Any], files: Files) -> None:
    planted("answerdesk.db")(manifest, files)


def file_and_folder(manifest: dict[str, Any], files: Files) -> None:
    planted("secret/x")(manifest, files)


@pytest.mark.parametrize(
    ("change", "said", "code"),
    [
        (tampered, "is not what its manifest says", 1),
        (lacking, "is missing", 1),
        (unlisted, "is in it and not in its manifest", 1),
        (shorter, "another size", 1),
        (without_database, "no database", 1),
        (no_database, "is not a database", 1),
        (file_and_folder, "both a file and a folder", 1),
        (lambda manifest, _: manifest.update(format=2), "format 2", 1),
        (lambda manifest, _: manifest.update(product="other"), "no backup of Answerdesk", 2),
        (lambda manifest, _: manifest.update(files=["a"]), "does not list files", 1),
        (lambda manifest, _: manifest["files"]["secret"].update(bytes=-1), "does not list files", 1),
        (lambda manifest, _: manifest["files"]["secret"].update(bytes=True), "does not list files", 1),
        (lambda manifest, _: manifest["files"]["secret"].update(sha256="A" * 64), "does not list files", 1),
        (lambda manifest, _: manifest["files"].update(secret=None), "does not list files", 1),
    ],
)
def test_what_does_not_agree_with_itself(change: Change, said: str, code: int, archive: Path, tmp_path: Path):
    error = refused(changed(archive, tmp_path / "b.zip", change), tmp_path / "data")
    assert (said in str(error), error.code) == (True, code), error


def test_a_file_that_is_cut_off_anywhere(archive: Path, tmp_path: Path):
    whole = archive.read_bytes()
    for number, share in enumerate((0.0, 0.1, 0.5, 0.9, 0.999)):
        (tmp_path / "b.zip").write_bytes(whole[: int(share * len(whole))])
        error = refused(tmp_path / "b.zip", tmp_path / str(number))
        assert "damaged" in str(error) or "no backup" in str(error), error


@settings(max_examples=60)
@given(at=st.floats(0, 1, exclude_max=True), byte=st.integers(1, 255))
def test_one_wrong_byte_is_found_or_is_outside_of_the_content(
    at: float, byte: int, archive: Path, tmp_path_factory: pytest.TempPathFactory
):
    folder = tmp_path_factory.mktemp("flipped")
    held = bytearray(archive.read_bytes())
    held[int(at * len(held))] ^= byte
    (folder / "b.zip").write_bytes(held)
    (folder / "data").mkdir()
    try:
        restore(folder / "b.zip", folder / "data")
    except Failure:
        assert list((folder / "data").iterdir()) == []
    else:  # a date or the like: every file is as its hash says
        assert (folder / "data" / "secret").read_text() == "of the cookies"


@settings(max_examples=60)
@given(held=st.binary(max_size=300))
def test_any_bytes_are_refused(held: bytes, tmp_path_factory: pytest.TempPathFactory):
    file = tmp_path_factory.mktemp("any") / "b.zip"
    file.write_bytes(b"PK\x03\x04" + held)
    with pytest.raises(Failure):
        read(file)


def test_other_files_are_told_from_damaged_ones(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("hello")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as packed:
        packed.writestr("a.jpg", b"x")
    for name, said in (("notes.txt", "does not begin like one"), ("photos.zip", "has no manifest.json"), ("none.zip", "No such file")):
        result = run("restore", str(tmp_path / name), "--data-dir", str(tmp_path / "data"))
        assert (result.exit_code, said in result.stderr) == (2, True), result.stderr
    assert not (tmp_path / "data").exists()


def test_links_and_doubles_in_the_archive_are_refused(archive: Path, tmp_path: Path):
    link = zipfile.ZipInfo("documents/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    changed(archive, tmp_path / "b.zip", lambda _, files: None)
    with zipfile.ZipFile(tmp_path / "b.zip", "a") as packed:
        packed.writestr(link, "/etc/passwd")
    assert "is a link" in str(refused(tmp_path / "b.zip", tmp_path / "one"))
    changed(archive, tmp_path / "c.zip", lambda _, files: None)
    with zipfile.ZipFile(tmp_path / "c.zip", "a") as packed, pytest.warns(UserWarning, match="Duplicate name"):
        packed.writestr("secret", "of the cookies")
    assert "is in it twice" in str(refused(tmp_path / "c.zip", tmp_path / "two"))


def test_a_bomb_is_not_unpacked(archive: Path, tmp_path: Path):
    def bomb(manifest: dict[str, Any], files: Files) -> None:
        manifest["files"]["bomb"] = {"sha256": "0" * 64, "bytes": 2**50}
        files["bomb"] = b""

    assert "another size" in str(refused(changed(archive, tmp_path / "b.zip", bomb), tmp_path / "data"))


def test_nothing_is_begun_that_the_disk_cannot_hold(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ui.restore._SPARE", 2**60)
    assert "Free some space" in str(refused(archive, tmp_path / "data"))


@given(name=st.text(max_size=40) | st.sampled_from(sorted(LEFT_OUT)))
def test_a_name_that_may_be_stored_stays_in_the_folder(name: str):
    if storable_name(name):
        assert Path("/data", name).is_relative_to("/data")
        assert ".." not in Path(name).parts
        assert Path(name).parts[0] not in LEFT_OUT


_JSON = st.recursive(
    st.none() | st.integers() | st.sampled_from(["/old", "/old/a", "/older", "old", "/new/old/x", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
)


@given(value=_JSON)
def test_only_paths_below_the_old_folder_move_and_back_again(value: Any):
    once = moved(value, "/old", "/new/place")
    assert '"/old' not in json.dumps(once).replace('"/older"', "")
    assert moved(once, "/new/place", "/old") == value


def test_what_was_staged_by_a_killed_restore_is_cleared(archive: Path, tmp_path: Path):
    data = tmp_path / "data"
    data.mkdir()
    (swap.stage(data) / "half").write_text("x")
    swap.finish(data)
    assert list(data.iterdir()) == []
    restore(archive, data)
    assert "secret" in swap.content(data)
