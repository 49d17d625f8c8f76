"""The ladder over a real server that fails in every way such servers do."""

import time
from collections.abc import Iterator

import pytest

from bot.backends.base import Options
from bot.backends.hosted import open_hosted
from bot.policy import Limits
from tests.bot.climbing import PROMPT, climb, good
from tests.stub_openai import Reply, Stub, free_port, stub_openai


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    with stub_openai() as running:
        list(open_hosted(running.url, "stub").stream(PROMPT, Options()))  # so that the client's import is not timed
        yield running


LIMITS = Limits(first_token_s=0.4, idle_s=0.3, total_s=5)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=401),
        Reply(status=404),
        Reply(status=429, headers=(("Retry-After", "60"),)),
        Reply(status=500),
        Reply(status=400, error={"message": "maximum context length is 9", "code": "context_length_exceeded"}),
        Reply(pieces=()),
        Reply(pieces=("<think>hm</think>",)),
        Reply(raw=b"<html></html>"),
        Reply(reset_after=0),
        Reply(first_s=9),
        Reply(stall_after=0),
    ],
)
def test_whatever_a_server_does_before_its_first_word_the_last_backend_answers_within_two_seconds(stub: Stub, reply: Reply) -> None:
    stub.reply = reply
    started = time.monotonic()
    text, rungs = climb([open_hosted(stub.url, "stub"), good()], limits=LIMITS)
    assert time.monotonic() - started < 2
    assert text == "Good."
    assert rungs[0].error.startswith("hosted: ")


def test_a_server_that_is_down_costs_no_time() -> None:
    started = time.monotonic()
    assert climb([open_hosted(f"http://127.0.0.1:{free_port()}/v1", "stub"), good()])[0] == "Good."
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("reply", [Reply(reset_after=1), Reply(stall_after=1)])
def test_a_reply_that_breaks_off_is_kept_as_far_as_it_came(stub: Stub, reply: Reply) -> None:
    stub.reply = reply
    text, rungs = climb([open_hosted(stub.url, "stub"), good()], limits=LIMITS)
    assert text == "Hello"
    assert [rung.interrupted for rung in rungs] == [True]


def test_a_timed_out_servers_connection_is_closed(stub: Stub) -> None:
    stub.closed.clear()
    stub.reply = Reply(first_s=9)
    climb([open_hosted(stub.url, "stub"), good()], limits=LIMITS)
    assert stub.closed.wait(1)


def test_a_busy_server_is_asked_again_when_it_said(stub: Stub) -> None:
    stub.bodies.clear()
    stub.reply = Reply()
    stub.queue = [Reply(status=429, headers=(("Retry-After", "0.05"),))] * 2
    assert climb([open_hosted(stub.url, "stub"), good()])[0] == "Hello, world."
    assert len(stub.bodies) == 3
