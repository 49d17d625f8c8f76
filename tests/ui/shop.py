"""A small shop for the page's tests: a scripted router over a real store, behind the product's middleware."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine

from bot.dispatch import Dispatch
from bot.errors import BackendUnavailable
from bot.fleet import Fleet
from bot.messages import Answer, Citation, Delta, Message, Request
from bot.policies import PolicyStore
from bot.router import Router
from bot.store import Store
from bot.turn import Turn
from bot.wording import Wording
from knowledge.embed import HashEmbedder
from knowledge.ingest import Index
from knowledge.store import MemoryStore
from ui.accounts import Accounts, Role
from ui.admin import mount_admin
from ui.build import lessons, open_desk, rules
from ui.customer import mount_customer
from ui.desk import mount_desk
from ui.guards import OwnSessions, SignedIn
from ui.identity import Visitors
from ui.lost import PlainPages
from ui.middleware import CustomerCookie, Outermost
from ui.settings import Settings, load_settings
from ui.shop import add_shop
from ui.signin import add_signin
from ui.widget import add_widget

HOSTILE = (
    '<img src="http://evil.example/a.png" onerror="window.hit=1"> ![pixel](http://evil.example/b.png) '
    "<script>window.hit=2</script> [here](javascript:window.hit=3) <svg onload=window.hit=4> "
    '<a href="http://evil.example">link</a> {{hit}} ${window.hit=5} <iframe src="http://evil.example"></iframe>'
)
RETURNS = Citation(
    "c1",
    "returns/return-window.md",
    "How long you can return a product",
    "Most products can be returned within 30 days of delivery.\nThe day the parcel is delivered counts as day 0.\n\n"
    "Members of the loyalty programme have 45 days. Phones and laptops must be signed out of all accounts first.",
    0.91,
    "Most products can be returned within 30 days of delivery.",
)
LABEL = Citation(
    "c2",
    "returns/how-to-return.html",
    "How to return a product",
    "Open Account > Orders and choose Return. Print the label, or show the code at a pickup point. Refunds arrive within 5 business days.",
    0.74,
    "Print the label, or show the code at a pickup point.",
)
TUIHUO = Citation(
    "c3",
    "returns/return-window.md",
    "退货期限",
    "自签收之日起30天内，大多数商品可以退货。\n签收当天记为第0天。\n\n会员享有45天退货期。退回手机和电脑前，请先退出所有账号。",
    0.93,
    "自签收之日起30天内，大多数商品可以退货。",
)
ENGLISH = f"{RETURNS.quote} {LABEL.quote}\n\n- Keep the **original box** if you can.\n- Refunds go back to the card you paid with."
CHINESE = f"{TUIHUO.quote}\n\n- 请尽量保留**原包装**。\n- 退款会原路退回您的付款账户。"

PROVENANCE = {
    "question": "How long can a product be returned?",
    "passages": [
        {"id": "c1", "source": "returns/return-window.md", "score": 0.91, "legs": {}},
        {"id": "c2", "source": "returns/how-to-return.html", "score": 0.74, "legs": {}},
    ],
    "messages": [{"role": "system", "text": "You are the assistant of TechCorp."}, {"role": "customer", "text": HOSTILE}],
    "unsupported_figures": [],
}
SECRET = "a secret for tests"
PASSWORD = "a password of my own"
PAGES: dict[str, Role] = {"/desk": "lead", "/admin": "admin"}


@dataclass
class ScriptedRouter:
    """Answers by what the question holds. pause_s: between two pieces. cancelled: conversations whose turn was stopped.

    down: fails at every question.
    """

    store: Store
    pause_s: float = 0.01
    down: bool = False
    cancelled: list[str] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    drafted: list[tuple[str, tuple[Message, ...]]] = field(default_factory=list)
    real: Router | None = None

    def turn(self, request: Request, cancel: threading.Event | None = None) -> Iterator[Delta | Answer]:
        received = self.store.receive(request)
        self.asked.append(request)
        if self.store.left_to_person(received.conversation, received.message):
            yield Answer("", received.conversation, received.message, route="human")
        elif received.answer is None:
            text, rest = self._script(request, received.conversation)
            said = ""
            for piece in [text[at : at + 4] for at in range(0, len(text), 4)]:
                if cancel is not None and cancel.wait(self.pause_s):
                    break
                said += piece
                yield Delta(piece)
            stopped = said != text
            if stopped:
                self.cancelled.append(received.conversation)
            answer = Answer(said, received.conversation, received.message, interrupted=stopped, **({} if stopped else rest))
            self.store.finish(answer, PROVENANCE)
            yield answer
        else:
            yield Delta(received.answer.text)
            yield received.answer

    def answer_from(
        self, question: str, history: Sequence[Message] = (), *, backend: str | None = None, wording: Wording | None = None
    ) -> Answer:
        """For the playground, for drafts of replies and of prompts: nothing is saved. hosted is down, so that another one answers."""
        self.drafted.append((question, tuple(history)))
        if "unknown" in question:
            return Answer("I do not know.", "", "", abstained=True, backend="extractive")
        told = f" (told: {wording.system[:40]})" if wording else ""
        rungs = (("hosted", "no route to it"),) if backend == "hosted" else ()
        took = {"first_token": 20.0, "total": 120.0}
        return Answer(f"{backend} says: {ENGLISH}{told}", "", "", (RETURNS,), backend="extractive", rungs=rungs, latency_ms=took)

    def preview(self, request: Request, position: int = 2**31 - 1) -> Turn:
        """As the real one does it."""
        assert self.real
        return self.real.preview(request, position)

    def _script(self, request: Request, conversation: str) -> tuple[str, dict[str, Any]]:
        text, zh = request.text, request.language == "zh"
        if self.down:
            raise BackendUnavailable("no route to backend")
        if "person" in text or "人工" in text:
            self.store.hand_over(conversation, "customer_request")
            return ("好的，已经为您转接人工客服。" if zh else "Of course. I have told our team."), {"route": "human"}
        if "unknown" in text:
            return ("很抱歉，我没有找到相关内容。" if zh else "I'm sorry, I couldn't find that in our help pages."), {"abstained": True}
        if "long" in text and "story" in text:
            return "word by word " * 1600, {}  # a minute of talking: whoever stops it, however slow, finds it talking
        if "long page" in text:
            said = "The cable is two metres long."
            passage = "Before it there is much to read.\n" * 60 + said + " And after it." * 200
            return said, {"citations": (Citation("l", "cables.md", "Cables", passage, 0.9, said),)}
        if "hostile" in text:
            return HOSTILE, {"citations": (Citation("x", HOSTILE, HOSTILE, HOSTILE, 1.0, "{{hit}}"),), "suggestions": (HOSTILE,)}
        return (CHINESE, {"citations": (TUIHUO,)}) if zh else (ENGLISH, {"citations": (RETURNS, LABEL)})


@dataclass
class Shop:
    """What the page needs of the product."""

    settings: Settings
    engine: Engine
    store: Store
    router: ScriptedRouter
    index: Index
    policies: PolicyStore
    backends: Fleet
    dispatch: Dispatch


def shop(folder: Path, **more: object) -> Shop:
    """A new shop with two backends set up, of which one is down. more: other settings."""
    hosted = {"hosted_url": "http://127.0.0.1:9/v1", "hosted_model": "stub"}
    settings = load_settings(
        data_dir=folder, shop_contact="help@techcorp.example", backend="extractive", **{"shop_name": "TechCorp", **hosted, **more}
    )
    desk = open_desk(settings)
    index = Index(desk.engine, MemoryStore(), HashEmbedder())
    taught = lessons(settings, desk.engine, index.embedder)
    real = Router(desk.store, index, desk.dispatch, rules(settings), lessons=taught)
    return Shop(
        settings, desk.engine, desk.store, ScriptedRouter(desk.store, real=real), index, desk.policies, desk.backends, desk.dispatch
    )


def elsewhen() -> str:
    """Office hours in which nobody is there now, nor soon."""
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    return f"{days[(datetime.now(UTC).weekday() + 3) % 7]} 09:00-10:00"


def web(app: Shop) -> FastAPI:
    fastapi = FastAPI()

    @fastapi.get("/healthz")
    def healthz() -> str:
        return "ok"

    add_shop(fastapi, app)
    add_widget(fastapi, app, Visitors(SECRET))
    add_signin(fastapi, app.engine, PAGES, secure=False)
    mount_desk(fastapi, cast("Any", app))
    mount_admin(fastapi, cast("Any", app))
    mount_customer(fastapi, app)
    fastapi.add_middleware(OwnSessions)
    fastapi.add_middleware(SignedIn, accounts=Accounts(app.engine), pages=PAGES)
    fastapi.add_middleware(CustomerCookie, secret=SECRET, secure=False)
    fastapi.add_middleware(PlainPages, pages=PAGES)
    fastapi.add_middleware(Outermost, frames=app.settings.widget_origins)
    return fastapi


def user(app: Shop, name: str, role: str, shown: str) -> None:
    """Somebody who has already chosen `PASSWORD`."""
    accounts = Accounts(app.engine)
    accounts.change_password(name, accounts.add(name, role, shown), PASSWORD)


@contextmanager
def serving(fastapi: FastAPI, port: int = 0) -> Iterator[str]:
    """The app on a port of 127.0.0.1, a free one where none is given; gives its address."""
    server = uvicorn.Server(uvicorn.Config(fastapi, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(600):
        if server.started:
            break
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(10)
