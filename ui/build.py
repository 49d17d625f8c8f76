"""The wiring: settings in, an open application out. The only place that knows which part stands behind which Protocol."""

import logging
import os
from collections.abc import Container
from dataclasses import dataclass, replace

from sqlalchemy import Engine

from bot.backends.base import Backend
from bot.backends.extractive import ExtractiveBackend
from bot.backends.hosted import open_hosted
from bot.choices import Choices
from bot.dispatch import Dispatch
from bot.errors import BackendRejected
from bot.examples import Pool
from bot.lessons import Lessons, Teaching
from bot.policies import PolicyStore
from bot.policy import LAST, Limits, Policy
from bot.recall import Recall
from bot.router import Router
from bot.store import Store
from bot.turn import Rules
from bot.versions import PromptVersions
from knowledge.embed import Embedder
from knowledge.gloss import open_embedder
from knowledge.ingest import Index
from knowledge.store import ChromaStore
from ui.database import migrate, open_engine
from ui.settings import Settings, SettingsError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class App:
    """The open application: what every page, route and command works on."""

    settings: Settings
    engine: Engine
    store: Store
    index: Index
    router: Router
    backends: dict[str, Backend]


@dataclass(frozen=True, slots=True)
class Desk:
    """The database alone: all that some commands work on, without the seconds that a model and an index take to load."""

    settings: Settings
    engine: Engine
    store: Store


def open_desk(settings: Settings) -> Desk:
    """Open the database and bring it to the newest schema. Raises `DatabaseError` with its remedy."""
    engine = open_engine(settings.database_url or settings.data_dir)
    migrate(engine)
    return Desk(settings, engine, Store(engine))


def build(settings: Settings) -> App:
    """Open everything. Raises `SettingsError`, `DatabaseError` or `KnowledgeError`, each with its remedy."""
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    desk = open_desk(settings)
    engine, store = desk.engine, desk.store
    backends = open_backends(settings)
    vectors = ChromaStore(settings.data_dir / "chroma", settings.chroma_url)
    index = Index(engine, vectors, open_embedder(settings.embedding_model), int(settings.max_file_mb * 2**20))
    index.prepare(_log_progress)
    policies = PolicyStore(engine, initial_policy(settings, backends))
    taught = lessons(settings, engine, index.embedder)
    router = Router(store, index, Dispatch(backends, policies.load), rules(settings), lessons=taught, recall=Recall(engine))
    return App(settings, engine, store, index, router, backends)


def open_backends(settings: Settings) -> dict[str, Backend]:
    """By name. A hosted one is opened lazily: it need not be up. Raises `SettingsError`."""
    backends: dict[str, Backend] = {"extractive": ExtractiveBackend()}
    if settings.hosted_url or settings.hosted_model:
        try:
            hosted = open_hosted(settings.hosted_url, settings.hosted_model, settings.hosted_key.get_secret_value(), settings.hosted_window)
        except BackendRejected as error:
            raise SettingsError(str(error)) from None
        backends[hosted.name] = hosted
    if settings.backend and settings.backend not in backends:
        known = ", ".join(backends)
        raise SettingsError(
            f"backend is {settings.backend!r}; set up are: {known}. Correct ANSWERDESK_BACKEND, or give ANSWERDESK_HOSTED_URL and "
            "ANSWERDESK_HOSTED_MODEL for a hosted one."
        )
    return backends


def initial_policy(settings: Settings, backends: Container[str]) -> Policy:
    """What is in force until somebody changes it."""
    default = settings.backend or ("hosted" if "hosted" in backends else LAST)
    return Policy(default, limits=Limits(settings.first_token_s, settings.idle_s, settings.total_s))


def rules(settings: Settings) -> Rules:
    made = Rules(
        shop=settings.shop_name,
        contact=settings.shop_contact,
        max_chars=settings.max_message_chars,
        max_tokens=settings.max_tokens,
        temperature=settings.temperature,
    )
    return made if settings.threshold is None else replace(made, threshold=settings.threshold)


def lessons(settings: Settings, engine: Engine, embedder: Embedder) -> Lessons:
    teaching = Teaching(settings.shots, settings.cot, settings.tone)
    return Lessons(Pool(engine), PromptVersions(engine), Choices(engine), embedder, teaching)


def _log_progress(done: int, total: int, name: str) -> None:
    if done % 256 == 0:
        logger.info("building the index: %d of %d (%s)", done, total, name)
