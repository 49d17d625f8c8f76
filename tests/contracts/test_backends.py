"""What every backend must keep to, run on each of them. A new one is one more line in `SUBJECTS`."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.backends.base import Backend, Options
from bot.backends.extractive import ExtractiveBackend
from bot.backends.fake import FakeBackend
from bot.backends.hosted import open_hosted
from bot.backends.local import LocalBackend
from bot.errors import BackendError, BackendUnavailable
from bot.local_model import LocalModel
from bot.messages import Message, Prompt
from knowledge.documents import Chunk, Passage, Unit
from tests.stub_openai import Reply, free_port, stub_openai
from tests.tiny import tiny_model

WAIT_S = 5.0
PIECES = ("You can ", "return it ", "within ", "30 days. ", "再见，", "谢谢。")
PROMPT = Prompt(
    (Message("system", "Be brief."), Message("customer", "Hello"), Message("bot", "Hi."), Message("customer", "How do I return it?")),
    "How do I return it?",
    (),
    "en",
)


@dataclass(frozen=True)
class Subject:
    """A backend on trial.

    prompt: what it can answer, in two pieces or more. reply: the answer; None where only the backend knows it.
    stopped: set once the work behind a cancelled or closed stream has ended; None where nothing goes on behind it.
    limit: the max_tokens that last reached the model; None where there is no model. broken: one of its kind that cannot answer;
    None where it always can.
    """

    backend: Backend
    prompt: Prompt
    reply: str | None = None
    stopped: Event | None = None
    limit: Callable[[], int] | None = None
    broken: Backend | None = None


@contextmanager
def fake() -> Iterator[Subject]:
    backend = FakeBackend(PIECES, delay_s=0.01)
    broken = FakeBackend(error=BackendUnavailable("down"))
    yield Subject(backend, PROMPT, "".join(PIECES), backend.stopped, lambda: backend.asked[-1][1].max_tokens, broken)


@contextmanager
def hosted() -> Iterator[Subject]:
    with stub_openai() as stub:
        stub.reply = Reply(PIECES, gap_s=0.01)
        backend = open_hosted(stub.url, "stub")
        broken = open_hosted(f"http://127.0.0.1:{free_port()}/v1", "stub")
        yield Subject(backend, PROMPT, "".join(PIECES), stub.closed, lambda: int(stub.bodies[-1]["max_tokens"]), broken)


@contextmanager
def extractive() -> Iterator[Subject]:
    told = ("Returns go through your account.", "Choose Return there and print the label.")
    units = tuple(Unit(text, own=0.9, above=0.5, context=0.95, cosine=0.8) for text in told)
    passage = Passage(Chunk("c1", "returns.md", "Returns", (), " ".join(told), told, "text", "en", 0), 0.9, units)
    yield Subject(ExtractiveBackend(threshold=0), replace(PROMPT, passages=(passage,)), " ".join(told))


@contextmanager
def local() -> Iterator[Subject]:
    with TemporaryDirectory() as folder:
        model = LocalModel(str(tiny_model(Path(folder))), window=220, patience_s=60)
        broken = LocalBackend(LocalModel(f"{folder}/missing"))
        yield Subject(LocalBackend(model), PROMPT, None, model.idle, None, broken)


SUBJECTS: list[Callable[[], AbstractContextManager[Subject]]] = [fake, hosted, extractive, local]


@pytest.fixture(scope="module", params=SUBJECTS, ids=lambda make: make.__name__)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    with request.param() as made:
        yield made


def test_it_is_a_backend(subject: Subject) -> None:
    backend = subject.backend
    assert isinstance(backend, Backend)
    assert backend.name
    assert backend.kind in {"extractive", "hosted", "local", "fake"}
    assert backend.window > 0
    assert backend.adapter is None or backend.adapter


def test_the_pieces_join_to_the_reply(subject: Subject) -> None:
    pieces = list(subject.backend.stream(subject.prompt, Options()))
    assert len(pieces) > 1
    assert all(isinstance(piece, str) for piece in pieces)
    assert "".join(pieces).strip()
    if subject.reply is not None:
        assert "".join(pieces) == subject.reply


def test_the_same_question_gets_the_same_reply(subject: Subject) -> None:
    first, second = ("".join(subject.backend.stream(subject.prompt, Options())) for _ in range(2))
    assert first == second


def test_a_cancelled_reply_ends_within_one_piece(subject: Subject) -> None:
    if subject.stopped:
        subject.stopped.clear()
    cancel = Event()
    stream = subject.backend.stream(subject.prompt, Options(cancel=cancel))
    next(stream)
    cancel.set()
    assert len(list(stream)) <= 1
    _ended(subject)


def test_a_reply_cancelled_before_it_began_is_empty_and_no_error(subject: Subject) -> None:
    cancel = Event()
    cancel.set()
    assert list(subject.backend.stream(subject.prompt, Options(cancel=cancel))) == []


def test_closing_the_iterator_stops_the_work(subject: Subject) -> None:
    if subject.stopped:
        subject.stopped.clear()
    stream: Any = subject.backend.stream(subject.prompt, Options())
    next(stream)
    stream.close()
    assert list(stream) == []
    _ended(subject)


def test_it_answers_again_after_a_cancelled_reply(subject: Subject) -> None:
    cancel = Event()
    stream = subject.backend.stream(subject.prompt, Options(cancel=cancel))
    next(stream)
    cancel.set()
    list(stream)
    assert "".join(subject.backend.stream(subject.prompt, Options())).strip()


def test_max_tokens_reaches_the_model_and_is_kept(subject: Subject) -> None:
    whole = "".join(subject.backend.stream(subject.prompt, Options()))
    short = "".join(subject.backend.stream(subject.prompt, Options(max_tokens=3)))
    assert len(short) <= len(whole)
    if subject.limit:
        assert subject.limit() == 3
        assert whole.startswith(short)
        assert len(short) < len(whole)


def test_a_broken_one_raises_a_backend_error(subject: Subject) -> None:
    if subject.broken:
        with pytest.raises(BackendError, match=r"\w{3}"):
            list(subject.broken.stream(subject.prompt, Options()))


def test_eight_threads_at_once_each_get_the_whole_reply(subject: Subject) -> None:
    def ask(_: int) -> str:
        return "".join(subject.backend.stream(subject.prompt, Options()))

    alone = ask(0)
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(24))) == {alone}


TEXTS = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("aZ 19,.\n退货。é")), max_size=60)


@given(one=TEXTS, other=TEXTS)
def test_tokens_are_counted_monotonously(subject: Subject, one: str, other: str) -> None:
    count = subject.backend.count
    assert count("") == 0
    assert count(one) >= (1 if one.strip() else 0)
    assert count(one + other) >= max(count(one), count(other))


def _ended(subject: Subject) -> None:
    if subject.stopped:
        assert subject.stopped.wait(WAIT_S), "the work goes on"
