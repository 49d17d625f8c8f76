"""The administration's panels about tuning: what they show in each state, and what their handlers do."""

import time
from pathlib import Path
from typing import Any, cast

import gradio as gr
import pytest
from starlette.requests import Request as WebRequest
from starlette.testclient import TestClient

from tests.ui.shop import PASSWORD, Shop, shop, user, web
from tests.ui.tuned import done_run, examples, measured
from ui import audit
from ui.accounts import Accounts
from ui.admin import AdminPanels
from ui.languages import page_texts
from ui.settings import Settings, load_settings


@pytest.fixture
def app(tmp_path: Path) -> Shop:
    made = shop(tmp_path / "data")
    user(made, "root", "admin", "Root")
    user(made, "lea", "lead", "Lea")
    return made


def press(app: Shop, panels: AdminPanels, name: str, language: str = "en", place: Any = None, **data: str) -> dict[str, Any]:
    """What a browser gets that presses something."""
    state = {"user": Accounts(app.engine).get("root")}
    headers = [(b"cookie", f"answerdesk_language={language}".encode())]
    request = gr.Request(WebRequest({"type": "http", "headers": headers, "state": state}))
    view = getattr(panels, name)(gr.EventData(None, {"place": place or {}, "data": data}), request)
    return cast("dict[str, Any]", view)


def page(view: dict[str, Any]) -> str:
    return view["regions"]["main"] + view["regions"]["foot"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_panel_says_that_it_is_empty(app: Shop, language: str):
    panels = AdminPanels(cast("Any", app))
    for tab, said in (
        ("training", {"en": "Too few approved examples", "zh": "已批准的示例太少"}),
        ("adapters", {"en": "No adapters yet", "zh": "还没有适配器"}),
        ("advice", {"en": "Collect more examples first", "zh": "先收集更多示例"}),
        ("settings", {"en": "Settings in force", "zh": "生效的设置"}),
    ):
        view = press(app, panels, "show", language, {"tab": tab})
        assert not view["wrong"]
        assert said[language] in page(view)


def test_a_panel_that_cannot_be_shown_says_so_and_the_others_stay(app: Shop):
    done_run(app)
    (app.settings.data_dir / "runs" / "first" / "job.json").write_text('{"config": {"base": 3}}', encoding="utf-8")
    panels = AdminPanels(cast("Any", app))
    view = press(app, panels, "show", place={"tab": "training"})
    assert 'role="alert"' in page(view)
    assert page_texts("admin", "en")["tab_audit"] in view["regions"]["side"]
    assert "Audit log" in page(press(app, panels, "show", place={"tab": "audit"}))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_run_is_shown_with_its_losses_and_its_command(app: Shop, language: str):
    examples(app)
    done_run(app)
    shown = page(press(app, AdminPanels(cast("Any", app)), "show", language, {"tab": "training", "run": "first"}))
    assert shown.count("<svg") == 1
    assert "answerdesk finetune train --base starter" in shown
    assert "step 60/60" in shown
    assert "3.100 → 1.130" in shown


def test_what_was_measured_is_shown_with_reasons_in_the_readers_language(app: Shop):
    examples(app)
    done_run(app)
    measured(app)
    panels = AdminPanels(cast("Any", app))
    place = {"tab": "adapters", "adapter": "first"}
    english, chinese = (page(press(app, panels, "show", language, place)) for language in ("en", "zh"))
    assert "it learned from 28 rows; at least 40 are needed" in english
    assert "只用了 28 条数据训练；至少需要 40 条" in chinese
    assert english.count("<svg") == 2
    assert "&lt;b&gt;lamp&lt;/b&gt;" in english
    assert "<b>lamp" not in english
    assert 'href="/admin/evaluation/first"' in english


def test_nothing_is_promoted_against_the_gate_without_a_reason(app: Shop, monkeypatch: pytest.MonkeyPatch):
    from finetune import adapters, loop

    done_run(app)
    measured(app)
    monkeypatch.setattr(loop, "fits", lambda entry, _base: adapters.check(Path(entry.folder)))  # the base of these folders is invented
    panels, place = AdminPanels(cast("Any", app)), {"tab": "adapters", "adapter": "first"}
    assert "No local backend" in page(press(app, panels, "show", place=place))
    app.backends.add("local", "local", {"model": "starter", "four_bit": False})
    monkeypatch.setattr("ui.operations_tuning.base_of", lambda name, *_: name)
    assert press(app, panels, "check_adapter", place=place, adapter="first", backend="local", share="10")["said"].startswith(
        "first is sound"
    )
    refused = press(app, panels, "promote", place=place, adapter="first", backend="local", share="10")
    assert refused["wrong"]
    assert "Write why it should answer all the same" in refused["said"]
    assert "--" not in refused["said"]
    assert app.policies.newest().version == 0
    promoted = press(app, panels, "promote", place=place, adapter="first", backend="local", share="10", override="a trial")
    assert "10%" in promoted["said"]
    assert "It answers now: local · 10%" in page(promoted)
    assert press(app, panels, "promote", adapter="first", backend="local", share="7", override="x")["wrong"]
    everything = press(app, panels, "promote", place=place, adapter="first", backend="local", share="100", override="it went well")
    assert app.policies.newest().default == "local"
    assert page(everything).count("promotion of first") == 2
    back = press(app, panels, "roll_back", place=place, backend="local")
    assert back["said"] == "first answers nobody any more. From the next turn on extractive is asked first."
    assert (app.policies.newest().default, dict(app.policies.newest().adapters)) == ("extractive", {})
    whats = [entry.what for entry in audit.entries(app.engine)][:3]
    assert whats == ["finetune.rollback", "finetune.promote", "finetune.promote"]
    assert "it went well" in audit.entries(app.engine)[1].detail


def test_when_an_adapter_was_made_does_not_change_when_it_is_looked_at(app: Shop):
    done_run(app)
    panels, place = AdminPanels(cast("Any", app)), {"tab": "adapters"}
    made = 'datetime="2026-01-05T09:00:00+00:00"'
    assert made in press(app, panels, "show", place=place)["regions"]["main"]
    looked = press(app, panels, "show", place=place | {"adapter": "first"})
    assert made in looked["regions"]["main"]
    assert made in press(app, panels, "show", place=place)["regions"]["main"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"base": "/etc", "method": "lora"}, "from the lists"),
        ({"base": "starter", "method": "classifier"}, "from the lists"),
        ({"base": "starter", "method": "lora", "r": "many"}, "Rank is many; it has to be a whole number from 1 to 512."),
        ({"base": "starter", "method": "lora", "steps": "1.5"}, "Steps is 1.5; it has to be a whole number from 1 to 10000000."),
        ({"base": "starter", "method": "lora", "lr": "0"}, "Learning rate is 0; it has to be a number over 0, up to 1."),
        ({"base": "starter", "method": "lora", "seed": "0.5"}, "Seed is 0.5"),
        ({"base": "starter", "method": "lora", "rows": "-4"}, "whole number"),
        ({"base": "starter", "method": "lora", "run": "first"}, "already"),
    ],
)
def test_a_run_that_cannot_be_is_not_estimated(app: Shop, data: dict[str, str], said: str):
    done_run(app)
    panels = AdminPanels(cast("Any", app))
    view = press(app, panels, "estimate_run", **data)
    assert view["wrong"]
    assert said in view["said"]
    assert press(app, panels, "begin_run")["wrong"]


def test_an_estimate_that_fails_says_why_and_is_put_away(app: Shop):
    panels, place = AdminPanels(cast("Any", app)), {"tab": "training"}
    examples(app, 1)
    shown = press(app, panels, "estimate_run", place=place, base="starter", method="lora")
    deadline = time.monotonic() + 30
    while "at least 2 and 1 are needed" not in shown["regions"]["foot"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        shown = press(app, panels, "show", place=place)
    assert 'data-key="estimate"' in shown["regions"]["foot"]
    assert "broken" not in press(app, panels, "drop_work", place=place, key="estimate")["regions"]["foot"]


def test_only_admins_open_a_report(app: Shop):
    done_run(app)
    measured(app)
    served = web(app)
    for caller, code in (("nobody", 401), ("lea", 403), ("root", 200)):
        client = TestClient(served, base_url="http://127.0.0.1")
        if caller != "nobody":
            client.post("/login", data={"name": caller, "password": PASSWORD})
        answer = client.get("/admin/evaluation/first", headers={"accept": "application/json"})
        assert answer.status_code == code
        assert ("first: report" in answer.text) == (code == 200)
    for name in ("second", "..%2ffirst", "%2e%2e"):
        assert client.get(f"/admin/evaluation/{name}").status_code in {404, 403, 200}
        assert "first: report" not in client.get(f"/admin/evaluation/{name}").text


def test_the_advice_follows_what_is_so_here(app: Shop):
    panels = AdminPanels(cast("Any", app))
    view = press(app, panels, "ask_advice", place={"tab": "advice"}, strong="yes", may_leave="yes")
    assert view["place"]["facts"] == "strong,may_leave"
    assert "Stay with the prompt" in page(view)
    assert page(view).count(" checked") == 2


def test_what_is_said_of_settings_is_said_of_settings_that_there_are():
    told = page_texts("settings", "zh")
    assert told.keys() ^ Settings.model_fields.keys() == set()


def test_settings_say_where_they_come_from_and_secrets_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "answerdesk.toml").write_text('shop_name = "Lumen"\nlog_level = "debug"\n', encoding="utf-8")
    monkeypatch.setenv("ANSWERDESK_HOSTED_KEY", "sk-very-secret")
    monkeypatch.setenv("ANSWERDESK_LOG_LEVEL", "error")
    settings = load_settings(data_dir=tmp_path / "data", database_url="postgresql://desk:hunter2@db/desk")
    from ui.operations_settings import show_settings

    class Open:
        def __init__(self) -> None:
            self.settings = settings

    found = {one["name"]: one for one in show_settings(cast("Any", Open()), lambda _: None)["settings"]}
    origins = {name: found[name]["from"] for name in ("data_dir", "log_level", "shop_name", "port", "hosted_key")}
    assert origins == {
        "data_dir": "command",
        "log_level": "environment",
        "shop_name": "file",
        "port": "default",
        "hosted_key": "environment",
    }
    assert found["database_url"]["value"] == "postgresql://desk:***@db/desk"
    assert found["hosted_key"]["value"] == "***"
    assert "sk-very-secret" not in str(found)
