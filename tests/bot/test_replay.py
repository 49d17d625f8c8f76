"""A saved turn on other backends, side by side."""

from pathlib import Path
from typing import Any

import pytest

from bot.backends.base import Backend, Options
from bot.backends.extractive import ExtractiveBackend
from bot.backends.fake import FakeBackend
from bot.dispatch import Dispatch
from bot.errors import BackendUnavailable, BadMessage, UnknownBackend
from bot.policy import Limits
from bot.replay import compare, saved_turn
from bot.sides import Side
from knowledge.documents import Document, Section
from tests.bot.turning import ASKED, ASKED_ZH, RETURNS, SHOP, Desk, desk


def model(name: str, *pieces: str, **more: Any) -> FakeBackend:
    return FakeBackend(pieces or (RETURNS,), **{"name": name, "kind": "hosted", **more})


def sides(shop: Desk, message: str, *backends: Backend) -> list[Side]:
    found = {"extractive": ExtractiveBackend(), **{backend.name: backend for backend in backends}}
    dispatch = Dispatch(found, cost=lambda _, tokens: tokens.completion / 1000)
    turn = saved_turn(shop.engine, shop.index, message)
    return compare(dispatch, turn, [backend.name for backend in backends] or ["extractive"], Options(), Limits(first_token_s=1))


def test_each_backend_is_sent_the_very_messages_of_the_turn(tmp_path: Path):
    first, other = model("big"), model("other", "Thirty ", "days.")
    with desk(tmp_path, first) as shop:
        answer = shop.ask(ASKED, conversation="c1")
        one, two = sides(shop, answer.message, model("again"), other)
        assert other.asked[0][0].messages == first.asked[0][0].messages
        assert (one.text, [citation.source for citation in one.citations]) == (RETURNS, ["returns.md"])
        assert (two.text, two.error) == ("Thirty days.", "")
        assert two.tokens.completion == other.count("Thirty days.")
        assert two.cost == two.tokens.completion / 1000
        assert 0 < two.latency_ms["first_token"] <= two.latency_ms["total"]
        assert [line.text for line in shop.store.history("c1")] == [ASKED, RETURNS]  # nothing is added to the conversation


@pytest.mark.parametrize("question", [ASKED, ASKED_ZH, f"{ASKED} And how much is express delivery?"])
def test_the_extractive_backend_says_again_what_it_said(tmp_path: Path, question: str):
    with desk(tmp_path) as shop:
        answer = shop.ask(question)
        (again,) = sides(shop, answer.message)
        assert again.text == answer.text
        assert [citation.quote for citation in again.citations] == [citation.quote for citation in answer.citations]


def test_a_turn_is_found_by_its_reply_too(tmp_path: Path):
    with desk(tmp_path) as shop:
        answer = shop.ask(ASKED)
        turn = saved_turn(shop.engine, shop.index, answer.reply)
        assert (turn.message, turn.text, turn.answer, turn.missing) == (answer.message, ASKED, answer.text, 0)


def test_failures_and_windows_that_are_too_small_are_shown_beside_the_others(tmp_path: Path):
    with desk(tmp_path, model("big")) as shop:
        message = shop.ask(ASKED).message
        down, small, fine = sides(shop, message, model("down", error=BackendUnavailable("down")), model("small", window=64), model("fine"))
        assert (down.text, down.error, fine.error) == ("", "down", "")
        assert "do not fit its window of 64" in small.error


def test_passages_that_are_gone_are_counted(tmp_path: Path):
    with desk(tmp_path, model("big")) as shop:
        message = shop.ask(ASKED).message
        shop.index.add_documents([Document(one.source, one.title, (Section((), "Something else."),), "x") for one in SHOP])
        turn = saved_turn(shop.engine, shop.index, message)
        assert turn.missing > 0
        assert sides(shop, message, model("other"))[0].text == RETURNS


@pytest.mark.parametrize(("text", "said"), [("hello", "rests on no passages"), (None, "no answered message 'm1'")])
def test_what_cannot_be_compared_is_said(tmp_path: Path, text: str | None, said: str):
    with desk(tmp_path) as shop:
        if text:
            shop.ask(text, message="m1")
        with pytest.raises(BadMessage, match=said):
            saved_turn(shop.engine, shop.index, "m1")


def test_an_unknown_backend_is_refused_with_those_that_there_are(tmp_path: Path):
    with desk(tmp_path) as shop:
        turn = saved_turn(shop.engine, shop.index, shop.ask(ASKED).message)
        with pytest.raises(UnknownBackend, match="'gpt'; there are: extractive"):
            compare(Dispatch({"extractive": ExtractiveBackend()}), turn, ["extractive", "gpt"], Options(), Limits())
