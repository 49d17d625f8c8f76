import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request as WebRequest
from starlette.testclient import TestClient

from bot import desk
from bot.errors import UnknownConversation
from tests.threads import Stepped
from tests.ui.shop import ENGLISH, Shop, serving, shop, web
from ui.chat import Handlers
from ui.customer import customer_page, mount_customer
from ui.languages import texts

WORDS = texts("en")


@pytest.fixture
def app(tmp_path: Path) -> Shop:
    return shop(tmp_path)


@pytest.fixture
def handlers(app: Shop) -> Handlers:
    app.router.pause_s = 0
    return Handlers(app)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, str]]:
    app = shop(tmp_path_factory.mktemp("site"))
    with serving(web(app)) as url:
        yield app, url


def by(customer: str | None, headers: dict[str, str] | None = None) -> gr.Request:
    raw = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    state = {} if customer is None else {"customer": customer}
    return gr.Request(WebRequest({"type": "http", "headers": raw, "state": state}))


def event(**data: object) -> gr.EventData:
    return gr.EventData(None, data)


def ask(
    handlers: Handlers, customer: str, text: str, message: str = "m1", conversation: str = "c1", **headers: str
) -> list[dict[str, Any]]:
    return list(Stepped(handlers.turn(event(text=text, message=message, conversation=conversation), by(customer, headers))))


def page(view: dict[str, Any]) -> str:
    return "".join(item["html"] for item in view["items"])


def test_a_question_is_shown_at_once_then_its_answer_with_sources(handlers: Handlers, app: Shop):
    views = ask(handlers, "ann", "How long can I return?")
    assert [item["key"] for item in views[0]["items"]] == ["q:m1", "a:m1"]
    assert WORDS.typing in page(views[0])
    assert "<details" in page(views[-1])
    assert app.store.transcript("c1", "ann")[1].text == ENGLISH


def test_a_turn_sends_only_what_is_new(handlers: Handlers):
    ask(handlers, "ann", "first", "m1")
    views = ask(handlers, "ann", "second", "m2")
    assert {item["key"] for view in views for item in view["items"]} == {"q:m2", "a:m2"}
    assert all(view["tail"] for view in views)


def test_the_same_message_twice_is_one_message(handlers: Handlers, app: Shop):
    ask(handlers, "ann", "How long?")
    again = ask(handlers, "ann", "How long?")
    assert len(app.store.transcript("c1", "ann")) == 2
    assert len([item for item in again[-1]["items"] if item["key"] == "q:m1"]) == 1


def test_nothing_said_is_nothing_done(handlers: Handlers, app: Shop):
    for text in ("", "  \n ", "\x00", None, 7, {"path": "/etc/passwd"}):
        assert not list(Stepped(handlers.turn(event(text=text, message="m", conversation="c"), by("ann"))))
    assert app.router.asked == []


def test_a_failure_is_a_calm_sentence_and_the_message_can_be_tried_again(handlers: Handlers, app: Shop):
    app.router.down = True
    shown = page(ask(handlers, "ann", "How long?")[-1])
    assert WORDS.unanswered in shown
    assert 'data-retry="m1"' in shown
    assert "backend" not in shown.lower()
    app.router.down = False
    assert "<details" in page(ask(handlers, "ann", "How long?")[-1])


def test_another_customers_conversation_is_never_shown_nor_written(handlers: Handlers, app: Shop):
    ask(handlers, "ann", "my secret question")
    for shown in (
        page(handlers.show_again(event(conversation="c1"), by("bob"))[0]),
        page(ask(handlers, "bob", "let me in", "m2", "c1")[-1]),
        page(handlers.show(by("bob"))[0]),
    ):
        assert "secret" not in shown
        assert "30 days" not in shown
    assert [line.text for line in app.store.transcript("c1", "ann")] == ["my secret question", ENGLISH]
    with pytest.raises(UnknownConversation):
        app.store.transcript("c1", "bob")


def test_a_returning_customer_finds_the_last_conversation(handlers: Handlers):
    ask(handlers, "ann", "first", "m1", "c1")
    ask(handlers, "ann", "second", "m2", "c2")
    view = handlers.show(by("ann"))[0]
    assert view["conversation"] == "c2"
    assert "second" in page(view)


def test_thumbs_are_saved_for_ones_own_replies_only(handlers: Handlers, app: Shop):
    ask(handlers, "ann", "my own question")
    reply = app.store.transcript("c1", "ann")[1].id
    handlers.rate(event(reply=reply, value=1, why=""), by("ann"))
    assert app.store.transcript("c1", "ann")[1].rating == 1
    handlers.rate(event(reply=reply, value=-1, why="Incorrect; it was 14"), by("ann"))
    assert app.store.transcript("c1", "ann")[1].rating == -1
    shown = handlers.rate(event(reply=reply, value=1, conversation="c1"), by("bob"))
    assert "my own question" not in page(shown)
    assert app.store.transcript("c1", "ann")[1].rating == -1


def test_asking_for_a_person_shows_who_was_told_and_where_else_to_turn(handlers: Handlers, app: Shop):
    *_, view = ask(handlers, "ann", WORDS.talk_request)
    assert view["items"][-1]["key"] == "waiting"
    assert app.settings.shop_contact in page(view)
    assert WORDS.status_waiting in view["head"]


def test_stop_ends_the_visitors_turn_and_keeps_what_came(handlers: Handlers, app: Shop):
    app.router.pause_s = 0.01
    views = Stepped(handlers.turn(event(text="a long story", message="m1", conversation="c1"), by("ann")))
    next(view for view in views if "word" in page(view))
    handlers.stop(by("bob"))
    next(views)
    assert app.router.cancelled == []
    handlers.stop(by("ann"))
    *_, view = views
    assert WORDS.stopped in page(view)
    assert app.store.transcript("c1", "ann")[1].text.startswith("word by word")


def test_leaving_stops_the_turn(handlers: Handlers, app: Shop):
    app.router.pause_s = 0.01
    views = Stepped(handlers.turn(event(text="a long story", message="m1", conversation="c1"), by("ann")))
    next(view for view in views if "word" in page(view))
    views.close()
    deadline = time.monotonic() + 5
    while not app.router.cancelled and time.monotonic() < deadline:
        time.sleep(0.01)
    assert app.router.cancelled == ["c1"]


def test_what_happens_in_another_conversation_is_told_once_it_happens(handlers: Handlers, app: Shop):
    ask(handlers, "ann", "a person please")
    view = handlers.show_again(event(conversation="c2"), by("ann"))[0]
    assert WORDS.elsewhere in view["elsewhere"]
    assert 'data-open="c1"' in view["elsewhere"]
    desk.take_over(app.engine, "c1", "mei", "<b>Mei")
    desk.say(app.engine, "c1", "mei", message="l1", text="Hello")
    news = handlers.look(event(conversation="c2", stamp=view["stamp"]), by("ann"))
    assert "&lt;b&gt;Mei wrote" in news["elsewhere"]
    assert handlers.look(event(conversation="c2", stamp=news["stamp"]), by("ann")) == gr.skip()
    assert handlers.show(by("ann"))[0]["elsewhere"] == ""
    assert handlers.show(by("bob"))[0]["elsewhere"] == ""


def test_the_whole_page_speaks_the_visitors_language(handlers: Handlers):
    chinese = {"accept-language": "zh-HK,zh;q=0.9,en;q=0.5"}
    everything = handlers.show(by("ann", chinese))
    assert everything[0]["language"] == "zh"
    assert texts("zh").talk in everything
    assert "help" not in json.dumps(everything, ensure_ascii=False, default=str).replace("help@", "")
    assert handlers.show(by("ann", {**chinese, "cookie": "answerdesk_language=en"}))[0]["language"] == "en"


@pytest.mark.parametrize("sent", [{}, {"conversation": "../../etc"}, {"conversation": ["c1"]}, {"conversation": "x" * 65}, None])
def test_ids_that_are_none_become_new_ones(handlers: Handlers, sent: Any):
    made = handlers.show_again(gr.EventData(None, sent), by("ann"))[0]["conversation"]
    assert len(made) == 32


def test_the_page_is_shut_without_the_cookies_middleware(app: Shop):
    fastapi = FastAPI()
    mount_customer(fastapi, app)
    with TestClient(fastapi) as client:
        assert client.get("/config").status_code == 401
        assert client.post("/gradio_api/queue/join", json={"data": [], "fn_index": 5, "session_hash": "s"}).status_code == 401


def test_it_lives_beside_other_routes(site: tuple[Shop, str]):
    assert httpx.get(f"{site[1]}/healthz").json() == "ok"
    assert "gradio" in httpx.get(site[1]).text


def test_no_event_is_documented_or_named_for_programs(site: tuple[Shop, str]):
    assert httpx.get(f"{site[1]}/gradio_api/info").json() == {"named_endpoints": {}, "unnamed_endpoints": {}}


def test_gradio_checks_paths(app: Shop):
    assert customer_page(app).has_launched


def test_no_event_gives_away_a_file_of_the_machine(site: tuple[Shop, str]):
    file = {"path": "/etc/passwd", "orig_name": "passwd", "meta": {"_type": "gradio.FileData"}}
    with httpx.Client(base_url=site[1], timeout=20) as client:
        client.get("/")
        events = client.get("/config").json()["dependencies"]
        assert len(events) > 8
        for number in (dependency["id"] for dependency in events):
            session = f"s{number}"
            body = {"data": [file], "event_data": {"text": file, "conversation": file}, "fn_index": number, "session_hash": session}
            joined = client.post("/gradio_api/queue/join", json=body)
            seen = joined.text
            if joined.status_code == 200:
                with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as lines:
                    for line in lines.iter_lines():
                        seen += line
                        if "process_completed" in line:
                            break
            assert "root:" not in seen
            assert "/file=" not in seen
        for path in ("/etc/passwd", str(site[0].settings.data_dir / "answerdesk.db"), "pyproject.toml"):
            assert client.get(f"/gradio_api/file={path}").status_code in {403, 404}


def test_no_file_can_be_uploaded(site: tuple[Shop, str]):
    with httpx.Client(base_url=site[1]) as client:
        client.get("/")
        assert client.post("/gradio_api/upload", files={"files": ("a.txt", b"hello there")}).status_code >= 400
