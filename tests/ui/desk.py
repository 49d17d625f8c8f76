"""An application for the tests of commands and routes: a real store, a scripted router and an index of a few lines.

`python -m tests.ui.desk serve --data-dir D` is the command line over it, for tests that need a process of their own.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from fastapi import FastAPI
from sqlalchemy import Engine

from bot.errors import BadMessage, UnknownBackend
from bot.messages import Answer, Citation, Delta, Message, Request, Tokens
from bot.policies import PolicyStore
from bot.store import Store
from knowledge.documents import Chunk, Document, Passage
from knowledge.errors import BadCollection
from knowledge.query import Context
from ui.commands.shell import Tools
from ui.database import migrate, open_engine
from ui.settings import Settings


@dataclass
class FakeRouter:
    """Answers "You said: ..." word by word; some words of the question make it misbehave. ended: how each turn ended, by its text."""

    store: Store
    pause_s: float = 0.0
    asked: list[Request] = field(default_factory=list)
    ended: dict[str, str] = field(default_factory=dict)

    def turn(self, request: Request, cancel: threading.Event | None = None) -> Iterator[Delta | Answer]:
        self.asked.append(request)
        if not request.text.strip():
            raise BadMessage("The message is empty; write something.")
        if request.backend not in {None, "extractive", "big"}:
            raise UnknownBackend(f"There is no backend {request.backend!r}; there are: extractive, big.")
        received = self.store.receive(request)
        said, stopped, began = "", False, time.monotonic()
        try:
            for piece in ("You ", "said: ", *request.text.split(" ")):
                if piece == "explode":
                    raise RuntimeError("secret inner detail")
                said += piece
                yield Delta(piece)
                if cancel is not None and (stopped := cancel.wait(self.pause_s)):
                    break
        except GeneratorExit:
            self.ended[request.text] = "closed"
            raise
        self.ended[request.text] = "cancelled" if stopped else "finished"
        citation = Citation("c1", "returns.md", "Returns", "Within 30 days.", 0.9, "Within 30 days.")
        took = {"first_token": 20.0, "total": 1000 * (time.monotonic() - began)}
        answer = Answer(
            said, received.conversation, received.message, (citation,), "nothing" in request.text, backend=request.backend or "extractive",
            tokens=Tokens(11, 7, 2), latency_ms=took, interrupted=stopped, rungs=(("big", "down"),) if "ladder" in request.text else (),
            route="human" if "person" in request.text else "answer", reason="customer_request" if "person" in request.text else None,
        )  # fmt: skip
        self.store.finish(answer, {})
        yield answer

    def resume(self) -> int:
        return 0

    def answer_from(
        self,
        question: str,
        history: Sequence[Message],
        passages: Sequence[Passage] | None,
        collection: str,
        backend: str | None,
        **ways: Any,
    ) -> Answer:
        """The passage's first sentence; nothing where it shares no word with the question."""
        text = passages[0].chunk.sentences[0] if passages else "Found in the corpus."
        shared = set(question.lower().strip("?").split()) & set(text.lower().strip(".").split())
        if passages and not shared:
            return Answer("I do not know.", "", "", abstained=True, backend=backend or "extractive", latency_ms={"total": 3.0})
        citations = (Citation("c", "context", "", text, 0.8),)
        return Answer(text, "", "", citations, backend=backend or "extractive", latency_ms={"first_token": 1.0, "total": 3.0})


@dataclass(frozen=True)
class Report:
    documents: int
    chunks: int
    added: int
    unchanged: int
    removed: int
    failed: tuple[Any, ...]
    seconds: float


@dataclass
class FakeIndex:
    """Finds documents by the words they share with a question."""

    wrong: str | None = None
    texts: dict[str, str] = field(default_factory=dict)

    def ingest(self, paths: Sequence[Path], collection: str = "default", progress: Any = None) -> Report:
        if collection == "bad name":
            raise BadCollection("The collection is named 'bad name'; allowed: letters and digits.")
        files = [file for path in paths for file in (sorted(path.rglob("*.*")) if path.is_dir() else [path])]
        for number, file in enumerate(files):
            progress(number, len(files), file.name)
            self.texts[file.name] = file.read_text(encoding="utf-8", errors="replace")
        failed = tuple({"path": name, "error": "not supported"} for name in list(self.texts) if name.endswith(".bad"))
        self.texts = {name: text for name, text in self.texts.items() if not name.endswith(".bad")}
        return Report(len(self.texts), len(self.texts), len(files) - len(failed), 0, 0, failed, 0.1)

    def add_documents(self, documents: Sequence[Document], collection: str = "default", progress: Any = None) -> Report:
        self.texts |= {document.source: document.sections[0].text for document in documents}
        return Report(len(self.texts), len(self.texts), len(documents), 0, 0, (), 0.1)

    def topical(self, text: str, before: str, collection: str = "default") -> bool:
        return False

    def search(self, text: str, k: int = 5, collection: str = "default") -> list[Passage]:
        ranked = self.search_documents(text, k, collection)
        return [Passage(Chunk(name, name, name, (), self.texts[name], (), "text", "en", 0), score) for name, score in ranked]

    def search_documents(self, text: str, k: int, collection: str, context: Sequence[Context] = ()) -> list[tuple[str, float]]:
        asked = set(text.lower().split())
        scores = {name: len(asked & set(found.lower().split())) / len(asked) for name, found in self.texts.items()}
        return sorted(((name, score) for name, score in scores.items() if score), key=lambda hit: -hit[1])[:k]

    def collections(self) -> list[str]:
        return ["default"]

    def count(self, collection: str) -> int:
        return len(self.texts)

    def ready(self) -> str | None:
        return self.wrong


@dataclass
class Desk:
    """What `ui.build.App` is to the faces."""

    settings: Settings
    engine: Engine
    store: Store
    index: FakeIndex
    router: FakeRouter
    backends: dict[str, object]
    policies: PolicyStore
    labels: Any = field(default_factory=lambda: SimpleNamespace(wait=lambda: None))


def build(settings: Settings) -> Any:
    engine = open_engine(settings.data_dir)
    migrate(engine)
    store = Store(engine)
    return Desk(settings, engine, store, FakeIndex(), FakeRouter(store), {"extractive": None, "big": None}, PolicyStore(engine))


def bare_web(app: Any, token: str) -> FastAPI:
    """The routes without the customer's page, which takes seconds to build."""
    from ui.api import create_api
    from ui.internal import create_internal
    from ui.web import guard
    from ui.workers import Workers

    web, workers = FastAPI(), Workers()
    web.mount("/v1", create_api(app, workers))
    web.mount("/api", create_internal(app, workers, token))

    @web.get("/readyz")
    async def ready() -> dict[str, bool]:
        return {"ready": True}

    guard(web, app.settings, app.engine)
    return web


TOOLS = Tools(build=cast("Any", build), desk=cast("Any", build), web=bare_web)

if __name__ == "__main__":
    from ui.cli import cli

    cli(obj=TOOLS)
