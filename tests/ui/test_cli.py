import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import structlog
from typer.testing import CliRunner, Result

from tests.ui.desk import TOOLS
from ui.cli import cli
from ui.commands.shell import Tools
from ui.owner import claim

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing of the machine's own settings, lines that are not wrapped, and logging afterwards as it was before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    for name in [name for name in os.environ if name.startswith("ANSWERDESK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def run(*args: str, tools: Tools = TOOLS, text: str | bytes | None = None) -> Result:
    return CliRunner().invoke(cli, list(args), obj=tools, input=text)


def as_json(result: Result) -> Any:
    assert result.stdout.count("\n") == 1, result.stdout
    return json.loads(result.stdout)


class TestAlone:
    """No server: each command opens the folder itself."""

    def test_ask(self, tmp_path: Path):
        result = run("ask", "hello there", "--json", "--data-dir", str(tmp_path / "d"))
        assert result.exit_code == 0, result.stderr
        answer = as_json(result)
        assert answer["answer"] == "You said: hellothere"
        assert set(answer) >= {
            "answer", "citations", "abstained", "route", "reason", "backend", "adapter", "prompt_version", "language", "intent",
            "sentiment", "tokens", "latency_ms", "conversation", "message",
        }  # fmt: skip
        assert set(answer["tokens"]) == {"prompt", "completion", "saved"}
        assert set(answer["citations"][0]) == {"id", "source", "title", "text", "score"}

    def test_ask_for_people(self, tmp_path: Path):
        result = run("ask", "hello [red]there", "--data-dir", str(tmp_path))
        assert result.exit_code == 0
        assert result.stdout.startswith("You said: hello[red]there\n  [1] Returns returns.md\n")

    def test_conversation_goes_on_without_naming_the_customer(self, tmp_path: Path):
        folder = ["--data-dir", str(tmp_path), "--json"]
        first = as_json(run("ask", "one", *folder))
        second = as_json(run("ask", "two", "--conversation", first["conversation"], *folder))
        assert second["conversation"] == first["conversation"]
        own = as_json(run("ask", "three", "--conversation", "mine", "--customer", "ann", *folder))
        assert own["conversation"] == "mine"
        stranger = run("ask", "four", "--conversation", "mine", *folder)
        assert stranger.exit_code == 2
        assert "mine" in as_json(stranger)["error"]

    @pytest.mark.parametrize("text", ["", "   ", "\n"])
    def test_empty_text(self, tmp_path: Path, text: str):
        for command in ("ask", "search"):
            result = run(command, text, "--data-dir", str(tmp_path))
            assert result.exit_code == 2
            assert "empty" in result.stderr
            assert result.stdout == ""

    def test_text_from_stdin(self, tmp_path: Path):
        assert as_json(run("ask", "-", "--json", "--data-dir", str(tmp_path), text="from stdin\n"))["answer"] == "You said: fromstdin"
        assert run("ask", "-", "--data-dir", str(tmp_path), text=b"\xff").exit_code == 2

    def test_unknown_backend_names_the_known(self, tmp_path: Path):
        result = run("ask", "hi", "--backend", "gpt", "--json", "--data-dir", str(tmp_path))
        assert result.exit_code == 2
        assert as_json(result)["error"] == "There is no backend 'gpt'; there are: extractive, big."

    def test_unforeseen_error_shows_no_stack(self, tmp_path: Path):
        result = run("ask", "explode", "--data-dir", str(tmp_path))
        assert result.exit_code == 1
        assert "Unexpected RuntimeError" in result.stderr
        assert "Traceback" not in result.output
        assert "Traceback" in run("ask", "explode", "--debug", "--data-dir", str(tmp_path)).stderr

    def test_ingest_and_search(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        shared: list[Any] = []

        def build(settings: Any) -> Any:
            if not shared:
                shared.append(TOOLS.build(settings))
            return shared[0]

        tools = replace(TOOLS, build=build)
        docs = tmp_path / "docs"
        docs.mkdir()
        (docs / "returns.md").write_text("returns take 30 days")
        (docs / "x.bad").write_text("?")
        folder = ["--data-dir", str(tmp_path / "d")]
        report = as_json(run("ingest", "docs", "--json", *folder, tools=tools))
        assert list(report) == ["documents", "chunks", "added", "unchanged", "removed", "failed", "seconds"]
        assert report["failed"] == [{"path": "x.bad", "error": "not supported"}]
        assert "x.bad" in run("ingest", "docs", *folder, tools=tools).stdout
        hits = as_json(run("search", "returns days", "-k", "1", "--json", *folder, tools=tools))["hits"]
        assert [set(hit) for hit in hits] == [{"id", "source", "title", "text", "score"}]
        assert "1.00  returns.md" in run("search", "returns days", *folder, tools=tools).stdout
        assert "Nothing found" in run("search", "zebra", *folder, tools=tools).stdout

    def test_ingest_of_nothing_good(self, tmp_path: Path):
        (tmp_path / "x.bad").write_text("?")
        folder = ["--data-dir", str(tmp_path / "d")]
        assert run("ingest", "nowhere.md", *folder).exit_code == 2
        assert run("ingest", *folder).exit_code == 2
        result = run("ingest", str(tmp_path / "x.bad"), "--json", *folder)
        assert result.exit_code == 1
        assert as_json(result)["failed"][0]["path"] == "x.bad"
        wrong = run("ingest", str(tmp_path / "x.bad"), "--collection", "bad name", *folder)
        assert wrong.exit_code == 2
        assert "bad name" in wrong.stderr

    def test_sample_is_loaded_once(self, tmp_path: Path):
        first = as_json(run("sample", "--json", "--data-dir", str(tmp_path)))
        assert first["loaded"]
        assert first["added"] > 10
        again = as_json(run("sample", "--json", "--data-dir", str(tmp_path)))
        assert not again["loaded"]
        assert "nothing to do" in run("sample", "--data-dir", str(tmp_path)).stdout

    def test_keys(self, tmp_path: Path):
        folder = ["--data-dir", str(tmp_path)]
        made = as_json(run("keys", "add", "shop", "--json", *folder))
        assert set(made) == {"name", "key"}
        assert run("keys", "add", "shop", *folder).exit_code == 2
        assert run("keys", "add", "bad name!", *folder).exit_code == 2
        listed = run("keys", "list", "--json", *folder)
        assert made["key"] not in listed.stdout
        assert [key["name"] for key in as_json(listed)["keys"]] == ["shop"]
        assert as_json(run("keys", "revoke", "shop", "--json", *folder)) == {"name": "shop", "revoked": True}
        assert run("keys", "revoke", "shop", *folder).exit_code == 2
        assert "revoked" in run("keys", "list", *folder).stdout

    def test_folder_from_the_environment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("ANSWERDESK_DATA_DIR", str(tmp_path / "env"))
        run("keys", "add", "a")
        assert (tmp_path / "env" / "answerdesk.db").exists()
        run("keys", "add", "a", "--data-dir", str(tmp_path / "flag"))
        assert (tmp_path / "flag" / "answerdesk.db").exists()

    def test_folder_that_cannot_be(self, tmp_path: Path):
        (tmp_path / "file").write_text("")
        result = run("ask", "hi", "--data-dir", str(tmp_path / "file"))
        assert result.exit_code == 1
        assert str(tmp_path / "file") in result.stderr

    def test_another_command_has_the_folder(self, tmp_path: Path):
        with claim(tmp_path, "ingest"):
            result = run("ask", "hi", "--json", "--data-dir", str(tmp_path))
        assert result.exit_code == 1
        assert "`answerdesk ingest`" in as_json(result)["error"]

    def test_bad_setting(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("ANSWERDESK_THRESHOLD", "7")
        result = run("ask", "hi", "--data-dir", str(tmp_path))
        assert result.exit_code == 2
        assert "threshold is '7'" in result.stderr

    def test_prints_of_libraries_stay_off_stdout(self, tmp_path: Path):
        def build(settings: Any) -> Any:
            print("a library talks")
            return TOOLS.build(settings)

        result = run("ask", "hi", "--json", "--data-dir", str(tmp_path), tools=replace(TOOLS, build=build))
        assert as_json(result)["answer"] == "You said: hi"
        assert "a library talks" in result.stderr


@pytest.mark.parametrize(
    "args", [["fly"], ["ask"], ["search", "x", "-k", "0"], ["search", "x", "-k", "z"], ["keys"], ["ask", "x", "--what"]]
)
def test_wrong_requests_are_2(args: list[str]):
    assert run(*args).exit_code == 2


def test_version_and_help():
    assert re.match(r"answerdesk", run("--version").stdout)
    assert "ingest" in run("--help").stdout


def test_every_command_takes_the_common_options():
    from typer.main import get_command

    def leaves(command: Any) -> Iterator[Any]:
        for sub in getattr(command, "commands", {}).values():
            yield from leaves(sub) if hasattr(sub, "commands") else [sub]

    found = list(leaves(get_command(cli)))
    assert len(found) >= 17
    for command in found:
        assert {"--data-dir", "--json"} <= {name for option in command.params for name in option.opts}, command.name


def test_importing_the_command_line_is_light():
    heavy = ("torch", "gradio", "chromadb", "transformers", "sqlalchemy", "httpx", "numpy")
    code = f"import sys, ui.cli; print(*(name for name in {heavy} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@dataclass
class Served:
    process: subprocess.Popen[str]
    url: str
    folder: Path


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return cast("int", probe.getsockname()[1])


def _start(folder: Path, port: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.ui.desk", "serve", "--port", str(port), "--data-dir", str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    port = _free_port()
    process = _start(folder, port)
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert f"http://127.0.0.1:{port}" in line, process.communicate(timeout=5)
        yield Served(process, f"http://127.0.0.1:{port}", folder)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as served:
        yield served


class TestWithServer:
    def test_address_is_printed_when_it_answers(self, served: Served):
        assert httpx.get(served.url + "/readyz").status_code == 200

    def test_commands_go_through_it(self, served: Served, tmp_path: Path):
        def build(_: Any) -> Any:
            raise AssertionError("this command must not open the folder itself")

        tools, folder = replace(TOOLS, build=build, desk=build), ["--data-dir", str(served.folder)]
        (tmp_path / "a.md").write_text("returns take 30 days")
        report = as_json(run("ingest", "a.md", "--json", *folder, tools=tools))
        assert report["added"] == 1
        hits = as_json(run("search", "returns", "--json", *folder, tools=tools))["hits"]
        assert hits[0]["source"] == "a.md"
        assert run("ask", "hello there", *folder, tools=tools).stdout.startswith("You said: hellothere\n")
        wrong = run("ask", "hi", "--backend", "gpt", "--json", *folder, tools=tools)
        assert (wrong.exit_code, as_json(wrong)["error"]) == (2, "There is no backend 'gpt'; there are: extractive, big.")
        assert run("ask", "explode", *folder, tools=tools).exit_code == 1
        assert as_json(run("sample", "--json", *folder, tools=tools))["loaded"]
        key = as_json(run("keys", "add", "k", "--json", *folder, tools=tools))["key"]
        assert httpx.get(served.url + "/v1/models", headers={"Authorization": f"Bearer {key}"}).status_code == 200

    def test_command_against_it_is_quick_and_light(self, served: Served):
        code = "import sys; from ui.cli import cli, Tools; cli(sys.argv[1:], obj=Tools(), standalone_mode=False)"
        command = [sys.executable, "-X", "importtime", "-c", code, "search", "returns", "--json", "--data-dir", str(served.folder)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert "hits" in json.loads(done.stdout)
        loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines() if line.startswith("import time:")}
        assert not loaded & {"torch", "gradio", "chromadb", "transformers", "sqlalchemy", "numpy", "httpx", "rich"}

    def test_second_server_says_who_owns_the_folder(self, served: Served):
        second = _start(served.folder, _free_port())
        out, err = second.communicate(timeout=30)
        assert second.returncode == 1
        assert out == ""
        assert f"process {served.process.pid}" in err
        assert served.url in err
        assert "Traceback" not in err

    def test_port_in_use(self, served: Served, tmp_path: Path):
        second = _start(tmp_path, int(served.url.rsplit(":", 1)[1]))
        _, err = second.communicate(timeout=30)
        assert second.returncode == 1
        assert "--port" in err
        assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_server_ends_cleanly(tmp_path: Path, number: signal.Signals):
    with serving(tmp_path) as served:
        began = time.monotonic()
        served.process.send_signal(number)
        _, err = served.process.communicate(timeout=15)
        assert served.process.returncode == 0, err
        assert time.monotonic() - began < 5
        assert "Traceback" not in err
        assert not (tmp_path / "server.json").exists()


def test_killed_server_is_no_obstacle(tmp_path: Path):
    with serving(tmp_path) as served:
        served.process.kill()
        served.process.wait()
        assert (tmp_path / "server.json").exists()
        assert run("ask", "hi", "--data-dir", str(tmp_path)).exit_code == 0
    with serving(tmp_path):
        pass


def test_server_that_hangs_or_goes_is_reported(tmp_path: Path):
    with claim(tmp_path, "serve") as mine:
        mine.announce(f"http://127.0.0.1:{_free_port()}")
        result = run("ask", "hi", "--data-dir", str(tmp_path))
    assert result.exit_code == 1
    assert f"kill {os.getpid()}" in result.stderr


class TestDoctor:
    def test_all_well(self, tmp_path: Path):
        run("keys", "add", "a", "--data-dir", str(tmp_path))
        result = run("doctor", "--json", "--data-dir", str(tmp_path))
        report = as_json(result)
        states = {finding["name"]: finding["state"] for finding in report["findings"]}
        assert states["database"] == states["index"] == states["data folder"] == states["python"] == "ok"
        assert all(finding["remedy"] for finding in report["findings"] if finding["state"] != "ok")
        assert result.exit_code == (0 if report["ok"] else 1)
        assert "index" in run("doctor", "--data-dir", str(tmp_path)).stdout

    def test_broken_things_are_1(self, tmp_path: Path):
        (tmp_path / "answerdesk.db").write_bytes(b"this is not a database, is it" * 100)
        result = run("doctor", "--json", "--data-dir", str(tmp_path))
        assert result.exit_code == 1
        (finding,) = [finding for finding in as_json(result)["findings"] if finding["name"] == "database"]
        assert finding["state"] == "broken"
        assert finding["remedy"]

    def test_index_that_is_not_ready(self, tmp_path: Path):
        run("keys", "add", "a", "--data-dir", str(tmp_path))

        def build(settings: Any) -> Any:
            app = TOOLS.build(settings)
            app.index.wrong = "12 vectors are missing"
            return app

        result = run("doctor", "--data-dir", str(tmp_path), tools=replace(TOOLS, build=build))
        assert result.exit_code == 1
        assert "12 vectors are missing" in result.stdout
        assert "12 vectors" not in run("doctor", "--fast", "--data-dir", str(tmp_path), tools=replace(TOOLS, build=build)).stdout

    def test_unreachable_hosted_backend(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("ANSWERDESK_HOSTED_URL", f"http://127.0.0.1:{_free_port()}/v1")
        result = run("doctor", "--json", "--fast", "--data-dir", str(tmp_path))
        (finding,) = [finding for finding in as_json(result)["findings"] if finding["name"] == "hosted backend"]
        assert finding["state"] in {"broken", "warning"}

    @pytest.mark.parametrize(("content", "state"), [(None, "broken"), ("no tokenizer", "warning")])
    def test_a_tokenizer_that_cannot_be_opened(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, state: str):
        model = tmp_path / "model"
        model.mkdir()
        if content:
            (model / "tokenizer.json").write_text(content)
        monkeypatch.setenv("ANSWERDESK_HOSTED_TOKENIZER", str(model))
        result = run("doctor", "--json", "--fast", "--data-dir", str(tmp_path / "data"))
        (finding,) = [finding for finding in as_json(result)["findings"] if finding["name"] == "tokenizer"]
        assert finding["state"] == state

    def test_asks_a_running_server(self, tmp_path: Path):
        with serving(tmp_path) as served:
            report = as_json(run("doctor", "--json", "--data-dir", str(tmp_path)))
        (finding,) = [finding for finding in report["findings"] if finding["name"] == "server"]
        assert finding["state"] == "ok"
        assert served.url in finding["detail"]
