"""What follows a turn beside the customer's path: shadows and counted tokens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import delete

from bot.aside import Aside
from bot.backends.base import Backend
from bot.backends.extractive import ExtractiveBackend
from bot.backends.fake import FakeBackend
from bot.dispatch import Dispatch
from bot.errors import BackendUnavailable
from bot.messages import Tokens
from bot.policy import Limits, Policy
from bot.router import Router
from bot.tables import conversations
from bot.turn import Rules
from bot.usage import Usage
from tests.bot.turning import ASKED, OFF_TOPIC, RETURNS, Desk, desk


@dataclass
class Shaded:
    """A shop with a shadow."""

    shop: Desk
    aside: Aside
    usage: Usage

    def shadow_of(self, **asked: Any) -> list[dict[str, Any]]:
        answer = self.shop.ask(**{"text": ASKED, **asked})
        self.aside.wait()
        return self.aside.of(answer.conversation, answer.message)


@contextmanager
def shaded(folder: Path, *backends: Backend, policy: Policy) -> Iterator[Shaded]:
    with desk(folder) as shop:
        dispatch = Dispatch({"extractive": ExtractiveBackend(), **{one.name: one for one in backends}}, lambda: policy, cost=_cents)
        usage = Usage(shop.engine)
        aside = Aside(shop.engine, dispatch, usage)
        shop.router = Router(shop.store, shop.index, dispatch, Rules(shop="TechCorp"), aside=aside)
        yield Shaded(shop, aside, usage)
        aside.wait()


def _cents(_: str, tokens: Tokens) -> float:
    return tokens.completion / 100


def model(name: str, *pieces: str, **more: Any) -> FakeBackend:
    return FakeBackend(pieces or (RETURNS,), **{"name": name, "kind": "hosted", **more})


def test_the_shadows_answer_is_on_record_and_unseen(tmp_path: Path):
    with shaded(tmp_path, model("big"), model("dark", "Within 30 ", "days."), policy=Policy("big", shadow="dark")) as shop:
        answer = shop.shop.ask(ASKED, conversation="c1")
        shop.aside.wait()
        (said,) = shop.aside.of("c1", answer.message)
        assert (answer.backend, answer.text) == ("big", RETURNS)
        assert (said["backend"], said["text"], said["error"], said["abstained"]) == ("dark", "Within 30 days.", "", False)
        assert said["tokens"]["prompt"] > 0
        assert said["cost"] == said["tokens"]["completion"] / 100
        assert [line.text for line in shop.shop.store.transcript("c1", "anna")] == [ASKED, RETURNS]


def test_a_shadow_that_is_slow_holds_nobody_up(tmp_path: Path):
    release = Event()
    dark = model("dark", pause=lambda _: (release.wait(20), None)[1])
    with shaded(tmp_path, model("big"), dark, policy=Policy("big", shadow="dark")) as shop:
        answer = shop.shop.ask(ASKED)
        assert answer.text == RETURNS
        assert shop.aside.of(answer.conversation, answer.message) == []
        release.set()
        shop.aside.wait()
        assert len(shop.aside.of(answer.conversation, answer.message)) == 1


def test_a_shadow_reads_what_its_own_kind_and_window_allow(tmp_path: Path):
    with shaded(tmp_path, model("big"), policy=Policy("big", shadow="extractive")) as shop:
        assert RETURNS in shop.shadow_of()[0]["text"]


def test_a_shadow_that_fails_leaves_its_error(tmp_path: Path):
    policy = Policy("big", shadow="dark", limits=Limits(first_token_s=0.1))
    with shaded(tmp_path, model("big"), model("dark", error=BackendUnavailable("down")), policy=policy) as shop:
        assert [(said["text"], said["error"]) for said in [shop.shadow_of()[0]]] == [("", "down")]
    with shaded(tmp_path / "2", model("big"), model("dark", delay_s=9), policy=policy) as shop:
        assert "no first word" in shop.shadow_of()[0]["error"]


def test_small_talk_and_what_nobody_answers_has_no_shadow(tmp_path: Path):
    dark = model("dark")
    with shaded(tmp_path, model("big"), dark, policy=Policy("big", shadow="dark")) as shop:
        for text in ("hello", OFF_TOPIC, "I want to talk to a person"):
            assert shop.shadow_of(text=text) == []
        assert dark.asked == []


def test_a_shadow_of_a_conversation_that_was_deleted_meanwhile_is_deleted_too(tmp_path: Path):
    release = Event()
    dark = model("dark", pause=lambda _: (release.wait(20), None)[1])
    with shaded(tmp_path, model("big"), dark, policy=Policy("big", shadow="dark")) as shop:
        answer = shop.shop.ask(ASKED)
        with shop.shop.engine.begin() as connection:
            connection.execute(delete(conversations))
        release.set()
        shop.aside.wait()
        assert shop.aside.of(answer.conversation, answer.message) == []


def test_tokens_of_answers_and_shadows_are_counted_and_the_extractive_backend_costs_nothing(tmp_path: Path):
    with shaded(tmp_path, model("big"), model("dark", "Ja."), policy=Policy("big", shadow="dark")) as shop:
        answer = shop.shop.ask(ASKED)
        shop.aside.wait()
        assert shop.usage.today()["big"] == Tokens(answer.tokens.prompt, answer.tokens.completion)
        assert shop.usage.today()["dark"].completion == 1
        shop.shop.ask(ASKED, backend="extractive")
        assert set(shop.usage.today()) == {"big", "dark"}
