"""An adapter at work, and what customers think of it: bad ratings take it back, good ones give it more, and everybody can read why."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.messages import Answer
from bot.policy import Asked, Canary
from bot.records import answer_to_json
from bot.tables import conversations, messages
from finetune.registry import Registry
from tests.finetune.adapting import adapter
from tests.ui.test_backup import opened
from tests.ui.test_backup import run as shell
from tests.ui.test_cli import as_json
from ui import audit, watching
from ui.build import Desk, open_desk
from ui.settings import load_settings
from ui.watching import keep_watching, watch_adapters


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A shop with an adapter that passed its gate, and answers a fifth of the conversations."""
    desk = opened(tmp_path / "data")
    desk.backends.add("local", "local", {"model": "starter"})
    registry = Registry(desk.engine, desk.policies)
    registry.register("r1", adapter(tmp_path / "data" / "runs" / "r1" / "adapter"))
    registry.evaluated("r1", {"gate": "pass", "why": "better"})
    registry.promote("r1", "local", "lena", share=0.2)
    return desk


def chat(desk: Desk, names: range, *, thumbs: dict[str, int]) -> None:
    """Conversations, each with the answer that the policy gives it. thumbs: of each backend's customers, up or down; every second one."""
    talks, lines = [], []
    for number in names:
        name, now = f"c{number}", datetime.now(UTC)
        plan = desk.dispatch.plan(Asked(name))
        backend = plan.rungs[0]
        answer = Answer("24 months.", name, "q", backend=backend, adapter=desk.backends[backend].adapter, why=plan.why)
        made = {
            "answer": answer_to_json(answer),
            "provenance": {"unsupported_figures": []},
            "rating": thumbs[backend] if number % 2 else None,
        }
        talks.append({"id": name, "customer": name, "state": "bot", "created": now, "updated": now})
        said = {"conversation": name, "at": now, "interrupted": False}
        asked = {"id": "q", "position": 1, "role": "customer", "text": "How long?", "in_reply_to": None}
        lines.append({**said, **asked, **dict.fromkeys(made)})
        lines.append({**said, "id": f"a{number}", "position": 2, "role": "bot", "text": answer.text, "in_reply_to": "q", **made})
    with desk.engine.begin() as connection:
        connection.execute(conversations.insert(), talks)
        connection.execute(messages.insert(), lines)


def look(desk: Desk) -> Any:
    (found,) = watch_adapters(desk, lambda _: None)["watched"]
    return found


def run(*args: str, desk: Desk) -> Any:
    return shell(*args, "--data-dir", str(desk.settings.data_dir))


def test_bad_ratings_take_an_adapter_back_in_one_step(desk: Desk):
    early = look(desk)
    assert (early["action"], early["done"]) == ("keep", None)
    chat(desk, range(300), thumbs={"local": -1, "extractive": 1})
    assert "take back" in run("finetune", "list", desk=desk).stdout
    found = look(desk)
    assert (found["adapter"], found["action"], found["done"]) == ("r1", "take back", "taken back from local")
    policy = desk.policies.newest()
    assert (policy.default, policy.canary, dict(policy.adapters)) == ("extractive", None, {})
    assert desk.dispatch.plan(Asked("c1")).rungs == ("extractive",)
    entry = next(entry for entry in audit.entries(desk.engine) if entry.who == "watch")
    assert (entry.what, entry.about) == ("finetune.rollback", "r1")
    assert "more conversations go badly" in entry.detail
    listed = as_json(run("finetune", "list", "--json", desk=desk))
    assert (listed["watch"], listed["history"][0]["author"], listed["history"][0]["adapter"]) == ([], "watch", None)
    assert "mostly thumbs down" in listed["history"][0]["why"]
    assert "more conversations go badly" in run("finetune", "list", desk=desk).stdout
    assert watch_adapters(desk, lambda _: None)["watched"] == []
    assert desk.policies.newest().version == policy.version


def test_good_ratings_widen_the_canary_step_by_step_to_all(desk: Desk):
    chat(desk, range(300), thumbs={"local": 1, "extractive": 1})
    found = look(desk)
    assert (found["action"], found["done"]) == ("widen", "asked first in 50% of the conversations")
    assert desk.policies.newest().canary == Canary("local", 0.5)
    assert look(desk)["action"] == "keep"  # the next step is earned with what happens now
    chat(desk, range(300, 500), thumbs={"local": 1, "extractive": 1})
    assert look(desk)["done"] == "asked first in 100% of the conversations"
    policy = desk.policies.newest()
    assert (policy.default, policy.canary, policy.adapters["local"].name) == ("local", None, "r1")
    shown = as_json(run("backends", "list", "--json", desk=desk))["backends"]
    assert next(one["watch"] for one in shown if one["name"] == "local").startswith("widen: no worse than the others")
    assert "no worse than the others" in run("backends", "list", desk=desk).stdout
    shares = [change["share"] for change in Registry(desk.engine, desk.policies).history("local")]
    assert shares == [1.0, 0.5, 0.2]
    chat(desk, range(500, 800), thumbs={"local": -1, "extractive": 1})  # what was good may turn bad
    assert look(desk)["done"] == "taken back from local"
    policy = desk.policies.newest()
    assert (policy.default, policy.canary, dict(policy.adapters)) == ("extractive", None, {})


@pytest.mark.parametrize(("watch", "thumb", "done"), [("off", -1, None), ("back", -1, "taken back from local"), ("back", 1, None)])
def test_what_the_settings_allow(watch: str, thumb: int, done: str | None, desk: Desk):
    limited = open_desk(load_settings(data_dir=desk.settings.data_dir, watch=watch))
    chat(desk, range(300), thumbs={"local": thumb, "extractive": 1})
    found = look(limited)
    assert (found["action"], found["done"]) == ("take back" if thumb < 0 else "widen", done)


def test_whoever_changed_the_policy_meanwhile_goes_first(desk: Desk, tmp_path: Path):
    chat(desk, range(300), thumbs={"local": -1, "extractive": 1})
    (seen,) = watching.seen(desk)
    registry = Registry(desk.engine, desk.policies)
    registry.register("r2", adapter(tmp_path / "data" / "runs" / "r2" / "adapter", 2.0))
    registry.promote("r2", "local", "lena", override="in a hurry")
    assert watching._act(desk, seen) is None
    assert desk.policies.newest().adapters["local"].name == "r2"
    desk.policies.update({"default": "extractive", "canary": None}, "lena", "away with it")
    assert watching._act(desk, seen) is None


def test_the_server_looks_by_itself(desk: Desk):
    chat(desk, range(300), thumbs={"local": -1, "extractive": 1})
    app = open_desk(load_settings(data_dir=desk.settings.data_dir, watch_minutes=0.001))
    over = keep_watching(app)
    try:
        for _ in range(600):
            if not desk.policies.newest().adapters:
                break
            time.sleep(0.05)
    finally:
        over.set()
    assert desk.policies.newest().adapters == {}


def test_the_command_looks_at_once(desk: Desk):
    assert "too early to tell" in run("finetune", "watch", desk=desk).stdout
    chat(desk, range(300), thumbs={"local": -1, "extractive": 1})
    assert "Done: taken back from local" in run("finetune", "watch", desk=desk).stdout
    assert "No adapter answers customers." in run("finetune", "watch", desk=desk).stdout
