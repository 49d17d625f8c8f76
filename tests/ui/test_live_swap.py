"""Support leads swap backends while customers chat: two server processes, one database, a Chroma server, two model servers."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from tests.real import Server, answerdesk, as_json, serving
from tests.stub_openai import Reply, Stub, stub_openai
from tests.ui.test_end_to_end import api_key, chroma

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]
CHATS = 200
QUESTION = "how many places does the purple parking deck have?"
WITHIN_S = 1.0  # how soon a change is obeyed


@dataclass(frozen=True)
class Turn:
    """One turn as its customer saw it; the times are of one clock. tried: who was asked, in order; the last one answered."""

    sent: float
    ended: float
    text: str
    tried: tuple[str, ...]
    server: str


@dataclass(frozen=True)
class Change:
    """A lead's change. began, done: of the command. by: who is asked from then on, in order; more only where they are too slow."""

    began: float
    done: float
    by: tuple[str, ...]


@contextmanager
def model(name: str) -> Iterator[Stub]:
    """A model server whose reply takes a second or so, and names it."""
    with stub_openai() as stub:
        stub.reply = Reply(pieces=("The purple ", "parking deck ", "has ", "420 ", "places, ", "says ", f"{name}."), gap_s=0.15)
        yield stub


def test_every_chat_finishes_and_the_next_turns_obey_in_both_servers(tmp_path: Path):
    page = tmp_path / "parking.md"
    page.write_text("# Parking\n\nThe purple parking deck has 420 places.\n", encoding="utf-8")
    with ExitStack() as stack:
        shared = {"database_url": f"sqlite:///{tmp_path / 'shared.db'}", "chroma_url": stack.enter_context(chroma(tmp_path / "vectors"))}
        one, two = (stack.enter_context(serving(tmp_path / name, **shared)) for name in ("one", "two"))
        red, blue = (stack.enter_context(model(name)) for name in ("red", "blue"))
        assert as_json(answerdesk("ingest", str(page), "--json", folder=one.folder))["added"] == 1
        key = api_key(one, "chats")

        def lead(*args: str, by: tuple[str, ...] = ()) -> Change:
            began = time.monotonic()
            as_json(answerdesk("backends", *args, "--json", folder=random.choice((one, two)).folder))
            return Change(began, time.monotonic(), by)

        lead("add", "red", "--url", red.url, "--model", "m")
        lead("add", "blue", "--url", blue.url, "--model", "m")
        changes = [lead("set-default", "red", by=("red",))]
        over = Event()
        with ThreadPoolExecutor(CHATS) as pool:
            chats = [pool.submit(chat, (one, two)[number % 2], key, number, over) for number in range(CHATS)]
            try:
                time.sleep(10)
                changes.append(lead("set-default", "blue", by=("blue",)))
                time.sleep(8)
                changes.append(lead("canary", "red", "100%", by=("red",)))
                time.sleep(8)
                changes.append(lead("canary", "--off", by=("blue",)))
                lead("ladder", "red")
                time.sleep(8)
                blue.reply = Reply(status=500)
                time.sleep(0.5)
                changes.append(lead("ladder", "red", by=("blue", "red")))
                time.sleep(8)
                changes.append(lead("set-default", "extractive", by=("extractive",)))
                time.sleep(8)
            finally:
                over.set()
            turns = [turn for chat in chats for turn in chat.result()]
    check(turns, changes)


def chat(server: Server, key: str, number: int, over: Event) -> list[Turn]:
    """One customer, who goes on asking until the end."""
    turns: list[Turn] = []
    asked = [{"role": "user", "content": QUESTION}]  # each a first question: who repeats one in a conversation gets a person
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {key}"}, timeout=120) as client:
        while not over.is_set() or not turns:
            sent = time.monotonic()
            response = client.post("/v1/chat/completions", json={"model": "answerdesk", "messages": asked, "user": f"customer-{number}"})
            if response.status_code == 503:  # as many turns are running as one server takes on: this customer tries again
                over.wait(0.2 + random.random())
                continue
            assert response.status_code == 200, (response.text, server.log.read_text(encoding="utf-8")[-3000:])
            answer: dict[str, Any] = response.json()["answerdesk"]
            assert not answer["interrupted"]
            tried = (*(rung["backend"] for rung in answer["rungs"]), answer["backend"])
            turns.append(Turn(sent, time.monotonic(), answer["answer"], tried, server.url))
            over.wait(random.uniform(8, 16))
    return turns


def check(turns: list[Turn], changes: list[Change]) -> None:
    assert len(turns) > CHATS
    for turn in turns:  # each is whole, and one backend's
        assert "420" in turn.text
        assert turn.text.endswith({"red": "says red.", "blue": "says blue.", "extractive": "places."}[turn.tried[-1]]), turn
    ends = [*(change.began for change in changes[1:]), max(turn.ended for turn in turns) + 1]
    for change, end in zip(changes, ends, strict=True):
        under = [turn for turn in turns if turn.sent > change.done + WITHIN_S and turn.ended < end]
        assert {turn.server for turn in under} == {turn.server for turn in turns}, "too few turns to tell"
        wrong = [turn for turn in under if turn.tried[: len(change.by)] != change.by]
        assert wrong == [], (change, len(wrong), len(under))
