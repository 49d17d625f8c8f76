"""What doctor finds of settings, of the shop's name and of who answers."""

from pathlib import Path
from typing import Any

import pytest

from tests.stub_openai import free_port
from tests.ui.test_cli import TOOLS, _plain, as_json, run, serving  # noqa: F401  (a fixture)
from ui.build import open_desk
from ui.commands.shell import Tools
from ui.doctor import backends
from ui.operations_backends import BACKENDS
from ui.settings import load_settings


def found(*args: str, **more: Any) -> dict[str, dict[str, str]]:
    return {one["name"]: one for one in as_json(run("doctor", "--json", *args, **more))["findings"]}


def test_a_shop_without_a_name_is_warned_of_unless_it_is_the_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = ("--fast", "--data-dir", str(tmp_path))
    for _ in range(2):
        one = found(*folder)["shop name"]
        assert (one["state"], "ANSWERDESK_SHOP_NAME" in one["remedy"]) == ("warning", True)
        run("keys", "add", "a", "--data-dir", str(tmp_path))
    TOOLS.desk(load_settings(data_dir=tmp_path)).store.set_setting("sample", value=True)
    assert (found(*folder)["shop name"]["state"], found(*folder)["shop name"]["detail"]) == ("ok", "TechCorp")
    with serving(tmp_path):
        assert found(*folder)["shop name"]["detail"] == "TechCorp"
    monkeypatch.setenv("ANSWERDESK_SHOP_NAME", "Lumen")
    assert found(*folder)["shop name"]["detail"] == "Lumen"


def test_misspelt_settings_are_named_with_the_right_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = ("--fast", "--data-dir", str(tmp_path / "d"))
    assert found(*folder)["settings"]["state"] == "ok"
    (tmp_path / "answerdesk.toml").write_text('shop_nam = "X"\nport = 7861\n', encoding="utf-8")
    monkeypatch.setenv("ANSWERDESK_HOSTED_ULR", "x")
    monkeypatch.setenv("ANSWERDESK_ZZZ", "1")
    monkeypatch.setenv("ANSWERDESK_DEBUG", "")
    wanted = "shop_nam in answerdesk.toml (shop_name?), ANSWERDESK_HOSTED_ULR (ANSWERDESK_HOSTED_URL?), ANSWERDESK_ZZZ"
    assert wanted in found(*folder)["settings"]["detail"]
    (tmp_path / "file").touch()
    assert wanted in run("serve", "--data-dir", str(tmp_path / "file")).stderr  # which ends there


def test_a_backend_that_has_a_part_and_does_not_answer_is_broken(tmp_path: Path):
    folder = ("--data-dir", str(tmp_path))
    address = f"http://127.0.0.1:{free_port()}/v1"
    for name in ("foo", "idle"):
        assert run("backends", "add", name, "--kind", "hosted", "--url", address, "--model", "m", *folder, tools=Tools()).exit_code == 0
    assert run("backends", "canary", "foo", "0.5", *folder, tools=Tools()).exit_code == 0
    desk = open_desk(load_settings(data_dir=tmp_path))
    (one,) = backends(lambda operation, **args: BACKENDS[operation](desk, lambda _: None, **args))
    assert (one.name, one.state, "backends canary" in one.remedy) == ("backend foo", "broken", True)


def test_a_running_server_is_asked_for_its_backends(tmp_path: Path):
    with serving(tmp_path):
        assert found("--data-dir", str(tmp_path))["backends"]["state"] == "warning"  # this one cannot tell
        assert "backends" not in found("--fast", "--data-dir", str(tmp_path))
