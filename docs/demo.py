"""A shop at work, for looking at its pages: the sample shop, a week of conversations in both languages, colleagues, drafts, an alert."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from sqlalchemy import update

from ui import (
    operations,
    operations_backends,
    operations_canned,
    operations_desk,
    operations_examples,
    operations_prompts,
    operations_users,
)

if TYPE_CHECKING:
    from ui.build import App

PASSWORD = "a password of my own"  # noqa: S105  (of a shop that lives as long as its pictures are taken)
PEOPLE = (("mei", "lead", "Mei"), ("jonas", "lead", "Jonas"), ("root", "admin", "Root"))
# days ago, what the customer asks, the thumb on the last answer (with a reason)
TALKS: tuple[tuple[float, tuple[str, ...], int, str], ...] = (
    (6.2, ("How long can I return a product?", "and members of the loyalty programme?"), 1, ""),
    (6.1, ("产品A多少钱？", "和产品B比哪个好？"), 1, ""),
    (5.3, ("can I pay with PayPal?",), 0, ""),
    (5.1, ("发票怎么开？",), 1, ""),
    (4.4, ("My earbuds do not pair with my phone", "it still does not work"), 0, ""),
    (4.2, ("do you sell bicycles?",), -1, "I wanted to know where else to look"),
    (3.6, ("退款多久能到账？",), 1, ""),
    (3.1, ("How much is the Sonora H7?",), 1, ""),
    (2.5, ("what does the warranty cover?", "is water damage covered?"), -1, "It does not say yes or no"),
    (2.2, ("手机进水了保修吗？",), 0, ""),
    (1.4, ("where is my parcel?",), 0, ""),
    (1.1, ("能送到新疆吗？要多久？",), 1, ""),
    (0.2, ("what is the difference between Product A and the Nova S5",), 1, ""),
    (0.1, ("谁是你们的总经理？",), 0, ""),
)
WAITING = (
    ("I sent the laptop back three weeks ago. Where is my refund?", "I want to talk to a person, please.", 12),
    ("我的订单一直没有发货", "转人工", 4),
)
MINE = ("can I send back opened earbuds?", "a person please, it is about order 48213")
SAID = "Hello, this is Mei. Yes, you can: opened earbuds may come back within 30 days. Shall I send you a label for order 48213?"


@contextmanager
def at_work(folder: Path, *, tuned: bool = False) -> Iterator[str]:
    """The product over `folder`, filled as above; gives its address. tuned: with an adapter whose figures are made up, for looking only."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= {"GRADIO_TEMP_DIR": str((folder / "gradio").absolute()), "GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"}
    from ui.build import build
    from ui.logs import set_up
    from ui.settings import load_settings
    from ui.web import create_web

    set_up("error")
    hosted = {"hosted_url": "http://127.0.0.1:9/v1", "hosted_model": "qwen2.5-7b-instruct"}
    app = build(load_settings(data_dir=folder, backend="extractive", shop_contact="help@techcorp.example", **hosted))
    if not app.store.get_setting("demo"):
        fill(app, tuned=tuned)
        app.store.set_setting("demo", value=True)
    with serving(create_web(app)) as url:
        yield url


@contextmanager
def serving(web: Any) -> Iterator[str]:
    """The app on a free port of 127.0.0.1."""
    server = uvicorn.Server(uvicorn.Config(web, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


def fill(app: "App", *, tuned: bool) -> None:
    """Everything that a page may show."""

    def do(operation: Any, **given: Any) -> Any:
        return operation(app, lambda _: None, **given)

    from ui.accounts import Accounts

    do(operations.sample)
    for name, role, shown in PEOPLE:
        Accounts(app.engine).change_password(name, do(operations_users.add_user, name=name, role=role, shown=shown)["password"], PASSWORD)
    do(operations_users.add_user, name="sara", role="lead", shown="Sara", by="root")
    do(operations_users.disable_user, name="sara", by="root")
    do(operations.add_key, name="shop-checkout", by="root")
    for number, (days, asked, thumb, why) in enumerate(TALKS):
        _talk(app, f"visitor-{number:02}a7c{number * 7919 % 997:03}", asked, days * 24 * 60, (thumb, why))
    for number, (first, second, minutes) in enumerate(WAITING):
        _talk(app, f"visitor-w{number}9f3e1", (first, second), minutes)
    chat = _talk(app, "visitor-m4c81d2", MINE, 7)
    do(operations_desk.take_chat, conversation=chat, by="mei")
    do(operations_desk.say_in_chat, conversation=chat, by="mei", text=SAID)
    do(operations_desk.note_chat, conversation=chat, by="mei", text="Second return this month. Check that the charging case is in the box.")
    for language, shortcut, text in (
        ("en", "hello", "Hello, this is Mei from TechCorp. How can I help?"),
        ("en", "label", "I have sent a return label to your mailbox; it is valid for 14 days."),
        ("zh", "你好", "您好，我是客服小梅，请问有什么可以帮您？"),
        ("zh", "退款", "退款会在收到商品后的 5 个工作日内原路退回。"),
    ):
        do(operations_canned.add_canned, language=language, shortcut=shortcut, text=text, by="mei")
    canary = {"canary": {"backend": "hosted", "share": 0.05}}
    do(operations_backends.change_policy, change=canary, author="jonas", why="to see it on a few first")
    shown = do(operations_prompts.show_prompt, language="en")
    system = shown["system"] + "\nSay the price with its currency."
    do(operations_prompts.set_prompt, language="en", author="jonas", system=system, comment="prices were told without $", expected=0)
    proposed = (
        ("Do you gift-wrap?", "Yes, for $3 an item; choose it in the basket."),
        ("可以开专票吗？", "可以，请在结算时填写税号。"),
    )
    rows = [{"question": question, "answer": answer} for question, answer in proposed]
    do(operations_examples.add_examples, rows=rows, approve=False, author="mei")
    if tuned:
        from tests.ui.tuned import done_run, examples, measured

        made_up: Any = app
        examples(made_up)
        done_run(made_up)
        measured(made_up, gate="pass")
        done_run(made_up, "second", "qlora")
        app.backends.add("local", "local", {"model": "starter", "four_bit": False})


def _talk(app: "App", customer: str, asked: tuple[str, ...], minutes: float, thumb: tuple[int, str] = (0, "")) -> str:
    """A conversation as it was held so many minutes ago; gives its id."""
    from bot.messages import Request
    from bot.tables import conversations, messages

    chat = f"chat-{customer}"
    for at, text in enumerate(asked):
        with closing(app.router.turn(Request(text, chat, customer, message=f"{customer}-{at}"))) as events:  # type: ignore[type-var]
            for _ in events:
                pass
    if thumb[0]:
        last = app.store.transcript(chat, customer)[-1]
        app.store.rate(last.id, customer, 1 if thumb[0] > 0 else -1, thumb[1])
    then = datetime.now(UTC) - timedelta(minutes=minutes)
    with app.engine.begin() as connection:
        moved = {"created": then, "updated": then}
        connection.execute(update(conversations).where(conversations.c.id == chat).values(moved))
        held = conversations.c.handover_at.is_not(None)
        connection.execute(update(conversations).where(conversations.c.id == chat, held).values(handover_at=then))
        connection.execute(update(messages).where(messages.c.conversation == chat).values(at=then))
    return chat
