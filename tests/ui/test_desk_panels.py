"""The desk's panels without a browser: what they show when there is nothing, when something is wrong, and whom the sheet is for."""

import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any, cast

import gradio as gr
import pytest
from sqlalchemy import text
from starlette.requests import Request as WebRequest
from starlette.testclient import TestClient

from bot.backends.base import Options
from bot.messages import Message, Prompt
from bot.policy import Plan
from tests.ui.shop import PASSWORD, Shop, shop, user, web
from ui.accounts import Accounts
from ui.desk import TABS, DeskPanels
from ui.languages import page_texts
from ui.operations_backends import change_policy
from ui.operations_reports import desk_alerts


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Shop]:
    made = shop(tmp_path)
    user(made, "anna", "lead", "Anna")
    yield made
    made.engine.dispose()


@pytest.fixture
def panels(app: Shop) -> DeskPanels:
    return DeskPanels(cast("Any", app))


def shown(app: Shop, panels: DeskPanels, name: str = "show", language: str = "en", **sent: object) -> dict[str, Any]:
    headers = [(b"accept-language", language.encode())]
    request = gr.Request(WebRequest({"type": "http", "headers": headers, "state": {"user": Accounts(app.engine).get("anna")}}))
    return dict(getattr(panels, name)(gr.EventData(None, sent), request))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("tab", TABS)
def test_every_panel_of_an_empty_shop(app: Shop, panels: DeskPanels, tab: str, language: Any):
    view = shown(app, panels, language=language, place={"tab": tab})
    assert not view["wrong"]
    words = page_texts("desk", language)
    nothing = {
        "inbox": "none_waiting",
        "reports": "none_reports",
        "pool": "none_examples",
        "canned": "none_canned",
        "backends": "no_history",
    }
    found = "".join(view["regions"].values())
    assert words[nothing.get(tab, f"tab_{tab}")] in found
    assert view["regions"]["alerts"] == ""


@pytest.mark.parametrize("tab", ["inbox", "reports"])
def test_a_panel_that_cannot_be_read_says_so_in_its_place(app: Shop, panels: DeskPanels, tab: str):
    with app.engine.begin() as connection:
        connection.execute(text("DROP TABLE messages"))
    view = shown(app, panels, place={"tab": tab})
    assert view["wrong"]
    assert page_texts("desk", "en")["panel_failed"] in view["regions"]["main"]
    assert "messages" not in str(view["regions"]).lower()  # no word of the database's


def test_what_takes_long_stays_while_the_page_only_looks(app: Shop, panels: DeskPanels):
    assert "main" in shown(app, panels, place={"tab": "reports"})["regions"]
    assert "main" not in shown(app, panels, place={"tab": "reports"}, seen="before")["regions"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_canary_without_a_share_is_refused_and_told(app: Shop, panels: DeskPanels, language: Any):
    form = {"default": "extractive", "canary": "hosted", "share": "0", "expected": "0", "why": "a trial"}
    view = shown(app, panels, "set_policy", language, place={"tab": "backends"}, data=form)
    assert (view["wrong"], view["said"]) == (True, page_texts("desk", language)["canary_without_share"].format(name="hosted"))
    assert app.policies.newest().version == 0
    assert not shown(app, panels, "set_policy", place={"tab": "backends"}, data=form | {"share": "5"})["wrong"]
    assert app.policies.newest().canary is not None


@pytest.mark.parametrize("days", ["0", "x", "999999999"])
def test_a_period_that_there_is_none_of_is_the_week(app: Shop, panels: DeskPanels, days: str):
    view = shown(app, panels, place={"tab": "reports", "days": days})
    assert (view["wrong"], view["place"]["days"]) == (False, "7")


@pytest.mark.parametrize(
    ("zone", "told"), [("Asia/Shanghai", "Asia/Shanghai"), ("No/Where", "UTC"), ("../../etc/passwd", "UTC"), (7, "UTC")]
)
def test_days_are_those_of_the_browser(app: Shop, panels: DeskPanels, zone: object, told: str):
    assert f"Days are those of {told}" in shown(app, panels, place={"tab": "reports"}, zone=zone)["regions"]["main"]


def test_a_backend_that_rests_is_alerted(app: Shop, panels: DeskPanels):
    whole = cast("Any", app)
    change_policy(whole, lambda _: None, change={"ladder": ["hosted"]}, author="anna", why="test")
    assert desk_alerts(whole, lambda _: None)["alerts"] == []
    question = Prompt((Message("customer", "hello"),), "hello", (), "en")
    for _ in range(6):
        list(app.dispatch.answer(Plan(("hosted",), "test"), lambda _: (question, Options(16))))
    view = shown(app, panels)
    assert page_texts("desk", "en")["alert_resting"].format(names="hosted") in view["regions"]["alerts"]


@pytest.mark.parametrize(("caller", "code"), [("nobody", 401), ("customer", 401), ("lead", 200)])
def test_the_sheet_is_for_leads(app: Shop, caller: str, code: int):
    client = TestClient(web(app), base_url="http://127.0.0.1", raise_server_exceptions=False)
    if caller == "customer":
        client.get("/")
    if caller == "lead":
        assert client.post("/login", data={"name": "anna", "password": PASSWORD}, follow_redirects=False).status_code == 303
    found = client.get("/desk/report.csv?days=7&zone=Asia/Shanghai")
    assert found.status_code == code
    if code == 200:
        assert found.headers["content-type"].startswith("text/csv")
        assert found.text.startswith("\ufeffof,name,")
        assert client.get("/desk/report.csv?days=0").status_code == 400
        assert client.get("/desk/report.csv?zone=../x").status_code == 400


def test_the_backend_that_costs_nothing_does_not_count_its_tokens(app: Shop, panels: DeskPanels):
    card = shown(app, panels, place={"tab": "backends"})["regions"]["main"].split("<h3>extractive</h3>")[1].split("</article>")[0]
    assert page_texts("desk", "en")["costs_nothing"] in card
    assert "tokens" not in card


def test_every_intent_and_sentiment_is_told_in_both_languages():
    labelled = tomllib.loads((resources.files("bot") / "labelled.toml").read_text(encoding="utf-8"))
    for language in ("en", "zh"):
        words = page_texts("desk", "zh" if language == "zh" else "en")
        for intent, sentiments in labelled[language].items():
            assert f"intent_{intent}" in words
            assert {f"feeling_{name}" for name in sentiments} <= words.keys()
