import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ui.owner import Owned, claim

_HOLD = """
import sys, time
from pathlib import Path
from ui.owner import claim
with claim(Path(sys.argv[1]), sys.argv[2]) as mine:
    if sys.argv[2] == "serve":
        mine.announce("http://127.0.0.1:7999")
    print("mine", flush=True)
    time.sleep(60)
"""


def _holder(folder: Path, doing: str) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", _HOLD, str(folder), doing], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "mine\n"
    return process


def test_folder_is_made_and_private(tmp_path: Path):
    folder = tmp_path / "a" / "b"
    with claim(folder, "ask") as mine:
        mine.announce("http://127.0.0.1:1")
        for name in ("server.json", "server.token"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
        assert json.loads((folder / "server.json").read_text())["url"] == "http://127.0.0.1:1"
        assert (folder / "server.token").read_text() == mine.token
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not (folder / "server.json").exists()
    assert not (folder / "server.token").exists()


def test_second_process_is_told_who_has_it(tmp_path: Path):
    other = _holder(tmp_path, "ingest")
    try:
        with pytest.raises(Owned, match=rf"`answerdesk ingest` \(process {other.pid}\)") as caught, claim(tmp_path, "ask"):
            pass
        assert caught.value.server is None
        assert "--data-dir" in str(caught.value)
    finally:
        other.kill()
        other.wait()
    with claim(tmp_path, "ask"):
        pass


def test_server_is_found_and_forgotten_after_kill_9(tmp_path: Path):
    other = _holder(tmp_path, "serve")
    try:
        with pytest.raises(Owned, match=r"at http://127\.0\.0\.1:7999") as caught, claim(tmp_path, "ask"):
            pass
        assert caught.value.server is not None
        assert (caught.value.server.pid, caught.value.server.url) == (other.pid, "http://127.0.0.1:7999")
        assert caught.value.server.token == (tmp_path / "server.token").read_text()
    finally:
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    assert (tmp_path / "server.json").exists()  # it had no time to clean up
    with claim(tmp_path, "ask"):
        assert not (tmp_path / "server.json").exists()


def test_left_over_server_file_does_not_stand_for_another_command(tmp_path: Path):
    (tmp_path / "server.json").write_text(json.dumps({"pid": 1, "url": "http://127.0.0.1:7998"}))
    other = _holder(tmp_path, "ingest")
    (tmp_path / "server.json").write_text(json.dumps({"pid": 1, "url": "http://127.0.0.1:7998"}))
    try:
        with pytest.raises(Owned) as caught, claim(tmp_path, "ask"):
            pass
        assert caught.value.server is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[]", b"\xff"])
def test_unreadable_records_are_no_obstacle(tmp_path: Path, rubbish: bytes):
    (tmp_path / "owner.lock").write_bytes(rubbish)
    (tmp_path / "server.json").write_bytes(rubbish)
    with claim(tmp_path, "ask"), pytest.raises(Owned), claim(tmp_path, "search"):
        pass


def test_lock_is_free_after_an_error(tmp_path: Path):
    with pytest.raises(ValueError, match="x"), claim(tmp_path, "ask"):
        raise ValueError("x")
    with claim(tmp_path, "ask"):
        pass
