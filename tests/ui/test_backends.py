"""`answerdesk backends`, on a database of its own and without a model."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.policy import Limits
from tests.stub_openai import Reply, Stub, stub_openai
from tests.ui.test_cli import _plain, run
from ui.build import initial_policy
from ui.commands.shell import Tools
from ui.settings import Settings

__all__ = ["_plain"]
SECRET = "sk-very-secret"


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    with stub_openai() as running:
        yield running


def backends(*args: str, folder: Path, code: int = 0, text: str | None = None) -> Any:
    result = run("backends", *args, "--json", "--data-dir", str(folder), tools=Tools(), text=text)
    assert result.exit_code == code, result.output
    assert SECRET not in result.output
    return json.loads(result.stdout)


def test_at_first_there_is_the_extractive_backend_alone(tmp_path: Path):
    found = backends("list", folder=tmp_path)
    assert found["version"] == 0
    assert [(one["name"], one["kind"], one["state"], one["adapter"]) for one in found["backends"]] == [
        ("extractive", "extractive", "ready", None)
    ]


def test_the_settings_give_the_initial_backends_and_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ANSWERDESK_HOSTED_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("ANSWERDESK_HOSTED_MODEL", "m")
    monkeypatch.setenv("ANSWERDESK_HOSTED_KEY", SECRET)
    found = backends("list", folder=tmp_path)
    assert [(one["name"], one["part"], one["from"]) for one in found["backends"]] == [
        ("extractive", "the last rung", "settings"),
        ("hosted", "the default", "settings"),
    ]
    assert initial_policy(Settings(first_token_s=100), ("extractive",)).limits.turn_s > 100  # a slow model may have the time it was given
    assert initial_policy(Settings(first_token_s=3), ("extractive",)).limits.turn_s == Limits().turn_s


def test_backends_are_added_given_parts_and_removed(tmp_path: Path, stub: Stub):
    added = backends("add", "big", "--url", stub.url, "--model", "m", "--key", "-", "--window", "4096", folder=tmp_path, text=f"{SECRET}\n")
    assert added["config"] == {"url": stub.url, "model": "m", "key": "***", "window": 4096}
    backends("add", "small", "--url", stub.url, "--model", "s", "--set", "window=2048", folder=tmp_path)
    assert backends("set-default", "big", folder=tmp_path)["policy"]["default"] == "big"
    assert backends("canary", "small", "10%", folder=tmp_path)["policy"]["canary"] == {"backend": "small", "share": 0.1}
    assert backends("shadow", "small", folder=tmp_path)["policy"]["shadow"] == "small"
    assert backends("ladder", "small", "extractive", folder=tmp_path)["policy"]["ladder"] == ["small", "extractive"]
    parts = {one["name"]: one["part"] for one in backends("list", folder=tmp_path)["backends"]}
    assert parts == {"extractive": "on the ladder", "big": "the default", "small": "on the ladder"}
    assert backends("canary", "small", "0", folder=tmp_path)["policy"]["canary"] is None
    for command in ("canary", "shadow", "ladder"):
        backends(command, "--off", folder=tmp_path)
    assert backends("remove", "small", folder=tmp_path)["removed"]
    assert stub.bodies == []


def test_test_asks_each_one_thing(tmp_path: Path, stub: Stub):
    backends("add", "good", "--url", stub.url, "--model", "m", folder=tmp_path)
    backends("add", "down", "--url", "http://127.0.0.1:9/v1", "--model", "m", folder=tmp_path)
    tested = backends("test", folder=tmp_path, code=1)["tested"]
    assert [(one["name"], one["ok"]) for one in tested] == [("extractive", True), ("good", True), ("down", False)]
    assert "no connection" in tested[2]["error"]
    assert backends("test", "good", folder=tmp_path)["tested"] == [{"name": "good", "ok": True, "error": None}]
    stub.reply = Reply(pieces=())
    assert "empty" in backends("test", "good", folder=tmp_path, code=1)["tested"][0]["error"]
    stub.reply = Reply()


def test_the_rest_of_the_policy_is_changed_as_json_and_every_change_can_be_taken_back(tmp_path: Path):
    change = {"routes": [{"backend": "extractive", "language": "zh"}], "limits": {"turn_s": 12}}
    made = backends("policy", "-", "--author", "anna", "--why", "slow days", folder=tmp_path, text=json.dumps(change))
    assert (made["version"], made["policy"]["limits"]["turn_s"]) == (1, 12)
    assert backends("policy", folder=tmp_path)["policy"] == made["policy"]
    assert [(one["author"], one["why"]) for one in backends("history", folder=tmp_path)["versions"]] == [("anna", "slow days")]
    assert backends("rollback", folder=tmp_path)["policy"]["routes"] == []


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("set-default", "nobody"), "no backend 'nobody' to be the default; there are: extractive"),
        (("canary", "extractive", "1.5"), "canary.share is 1.5; allowed: 0 to 1"),
        (("canary", "extractive", "many"), "allowed: 0 to 1, for instance 0.1, or per cent"),
        (("canary",), "Name a backend, or give --off"),
        (("shadow", "extractive", "--off"), "Name a backend, or give --off"),
        (("ladder",), "in their order, or --off"),
        (("ladder", "extractive", "extractive"), "each backend once"),
        (("add", "x y", "--model", "m"), "allowed: 1 to 64 letters"),
        (("add", "x", "--kind", "warp"), "kind is 'warp'; allowed: hosted"),
        (("add", "x", "--url", "http://127.0.0.1:9/v1"), "model: Field required"),
        (("add", "x", "--model", "m", "--url", "localhost"), "must be http"),
        (("add", "x", "--model", "m", "--set", "window"), "allowed: field=value"),
        (("remove", "extractive"), "set up by the settings"),
        (("remove", "x"), "There is no backend 'x'"),
        (("test", "x"), "There is no backend 'x'"),
        (("rollback",), "cannot be brought back"),
    ],
)
def test_a_wrong_request_ends_with_two_and_says_what_is_allowed(tmp_path: Path, args: tuple[str, ...], said: str):
    assert said in backends(*args, folder=tmp_path, code=2)["error"]


def test_a_change_of_what_is_no_longer_in_force_ends_with_one(tmp_path: Path):
    backends("set-default", "extractive", folder=tmp_path)
    assert "at version 1, not 0" in backends("set-default", "extractive", "--expected", "0", folder=tmp_path, code=1)["error"]


def test_what_people_see_names_the_parts(tmp_path: Path):
    result = run("backends", "list", "--data-dir", str(tmp_path), tools=Tools())
    assert result.exit_code == 0
    assert "the default" in result.stdout
    assert "Policy, version 0" in result.stdout
    assert "never changed" in run("backends", "history", "--data-dir", str(tmp_path), tools=Tools()).stdout
