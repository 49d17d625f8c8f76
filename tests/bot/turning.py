"""What the tests of the turn share: a small shop in two languages, scripted backends, and one turn taken to its end."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from bot.backends.base import Backend
from bot.backends.extractive import ExtractiveBackend
from bot.backends.fake import FakeBackend
from bot.choices import Choices
from bot.dispatch import Dispatch
from bot.examples import Pool
from bot.lessons import Lessons, Teaching
from bot.messages import Answer, Delta, Request
from bot.policy import Policy
from bot.router import Router
from bot.store import Store
from bot.tables import messages
from bot.tables import metadata as bot_tables
from bot.turn import Rules
from bot.versions import PromptVersions
from knowledge.documents import Document, Section
from knowledge.embed import HashEmbedder, Vectors
from knowledge.ingest import Index
from knowledge.probe import PAIRS
from knowledge.store import MemoryStore
from knowledge.tables import metadata as knowledge_tables
from ui.database import open_engine

RETURNS = "Most products can be returned within 30 days of delivery."
DELIVERY = "Standard delivery takes 3 to 5 working days and costs $4.90."
TUIHUO = "自签收之日起30天内可以退货。"
ASKED = "Within how many days can products be returned?"
ASKED_ZH = "签收之后多少天内可以退货？"
OFF_TOPIC = "Who won the chess olympiad?"
SHOP = (
    Document("returns.md", "Returns", (Section((), f"{RETURNS} The product must be unused."),), "1"),
    Document("delivery.md", "Delivery", (Section((), f"{DELIVERY} Express delivery takes one day."),), "2"),
    Document("tuihuo.md", "退货", (Section((), f"{TUIHUO}商品须未使用。"),), "3"),
)


class SureEmbedder(HashEmbedder):
    """Knows the probe's answers, so that its vectors are relied on in both languages."""

    name = "sure"

    def queries(self, texts: Sequence[str]) -> Vectors:
        answers = dict(pair for pairs in PAIRS.values() for pair in pairs)
        return self.documents([answers.get(text, text) for text in texts])


@dataclass
class Desk:
    """A router with all that stands behind it."""

    engine: Engine
    store: Store
    index: Index
    router: Router

    def request(self, text: str, **more: Any) -> Iterator[Delta | Answer]:
        return self.router.turn(Request(text, **{"customer": "anna", **more}))

    def turn(self, text: str, **more: Any) -> tuple[list[str], Answer]:
        """The pieces and the answer of one turn, with what always holds of them."""
        *deltas, answer = list(self.request(text, **more))
        assert isinstance(answer, Answer)
        pieces = [delta.text for delta in deltas if isinstance(delta, Delta)]
        assert len(pieces) == len(deltas)
        assert "".join(pieces) == answer.text
        return pieces, answer

    def ask(self, text: str, **more: Any) -> Answer:
        return self.turn(text, **more)[1]

    def provenance(self, reply: str) -> Any:
        with self.engine.connect() as connection:
            return connection.scalar(select(messages.c.provenance).where(messages.c.id == reply))


def open_desk(folder: Path, *backends: Backend, vectors: MemoryStore | None = None, **rules: Any) -> Desk:
    """A desk in `folder`, with the sample shop where it is new. The first backend is asked first, the extractive one last."""
    engine = open_engine(folder)
    bot_tables.create_all(engine)
    knowledge_tables.create_all(engine)
    store = Store(engine)
    index = Index(engine, vectors or MemoryStore(), SureEmbedder())
    index.add_documents(SHOP)
    return reopened(Desk(engine, store, index, Router(store, index, Dispatch({}))), *backends, **rules)


def reopened(desk: Desk, *backends: Backend, policy: Policy | None = None, **rules: Any) -> Desk:
    """The same shop with other backends, the first of them the default where no policy is given."""
    by_name: dict[str, Backend] = {"extractive": ExtractiveBackend(), **{backend.name: backend for backend in backends}}
    policy = policy or Policy(backends[0].name if backends else "extractive")
    teaching = Teaching(**{name: rules.pop(name) for name in ("shots", "cot", "tone", "direct") if name in rules})
    lessons = Lessons(Pool(desk.engine), PromptVersions(desk.engine), Choices(desk.engine), desk.index.embedder, teaching)
    made = Rules(**{"shop": "TechCorp", **rules})
    return replace(desk, router=Router(desk.store, desk.index, Dispatch(by_name, lambda: policy), made, lessons=lessons))


@contextmanager
def desk(folder: Path, *backends: Backend, **more: Any) -> Iterator[Desk]:
    made = open_desk(folder, *backends, **more)
    try:
        yield made
    finally:
        made.engine.dispose()


def hosted(*pieces: str, **more: Any) -> FakeBackend:
    """A scripted backend in a hosted one's place."""
    return FakeBackend(pieces or ("You have ", "30 days."), **{"name": "hosted", "kind": "hosted", **more})
