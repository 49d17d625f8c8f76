"""The wiring: settings in, an open application out. The only place that knows which part stands behind which Protocol."""

import logging
import os
from collections.abc import Container
from dataclasses import dataclass, fields, replace

from sqlalchemy import Engine

from bot.aside import Aside
from bot.backends.local import local_kind
from bot.choices import Choices
from bot.dispatch import Dispatch
from bot.examples import Pool
from bot.fleet import Entry, Fleet
from bot.kinds import kinds
from bot.labels import Labeller
from bot.lessons import Lessons, Teaching
from bot.policies import PolicyStore
from bot.policy import LAST, Limits, Policy
from bot.recall import Recall
from bot.router import Router
from bot.store import Store
from bot.turn import Rules
from bot.versions import PromptVersions
from finetune.starter import starter
from knowledge.embed import Embedder
from knowledge.errors import StoreError
from knowledge.gloss import open_embedder
from knowledge.ingest import Index
from knowledge.store import ChromaStore
from ui.database import migrate, open_engine
from ui.settings import SAMPLE_SHOP, Settings, SettingsError

logger = logging.getLogger(__name__)

_REST_OF_TURN_S = 5  # what a turn needs beside a model's first word: triage, retrieval, another backend


@dataclass(frozen=True, slots=True)
class Desk:
    """The database alone: all that some commands work on, without the seconds that a model and an index take to load."""

    settings: Settings
    engine: Engine
    store: Store
    policies: PolicyStore
    backends: Fleet
    dispatch: Dispatch


@dataclass(frozen=True, slots=True)
class App(Desk):
    """The open application: what every page, route and command works on."""

    index: Index
    router: Router
    labels: Labeller


def open_desk(settings: Settings) -> Desk:
    """Open the database and bring it to the newest schema. Raises `DatabaseError` with its remedy."""
    engine = open_engine(settings.database_url or settings.data_dir)
    migrate(engine)
    store = Store(engine)
    if not settings.shop_name and store.get_setting("sample"):
        settings = settings.model_copy(update={"shop_name": SAMPLE_SHOP})
    fixed = fixed_backends(settings)
    policies = PolicyStore(engine, initial_policy(settings, fixed))
    local = local_kind(lambda: starter(settings.data_dir.absolute()))
    fleet = Fleet(engine, policies, {**kinds(), local.name: local}, fixed)
    return Desk(settings, engine, store, policies, fleet, Dispatch(fleet, policies.load, spent=fleet.spent, cost=fleet.cost))


def build(settings: Settings) -> App:
    """Open everything. Raises `SettingsError`, `DatabaseError` or `KnowledgeError`, each with its remedy.

    A vector store that cannot be read stops nothing: customers are told that nothing can be looked up until it is made anew.
    """
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    desk = open_desk(settings)
    settings = desk.settings
    check_backends(settings, desk.backends)
    vectors = ChromaStore(settings.data_dir / "chroma", settings.chroma_url)
    index = Index(desk.engine, vectors, open_embedder(settings.embedding_model), int(settings.max_file_mb * 2**20))
    labels = Labeller(index.embedder.queries)
    try:
        index.prepare(_log_progress)
    except StoreError as error:  # the desk, what was said and the rebuild itself do not need it; readiness and doctor tell it
        logger.warning("questions are not answered from the documents: %s", error)
    taught = lessons(settings, desk.engine, index.embedder)
    aside = Aside(desk.engine, desk.dispatch, desk.backends.usage)
    recall = Recall(desk.engine)
    router = Router(desk.store, index, desk.dispatch, rules(settings), lessons=taught, recall=recall, aside=aside, labels=labels)
    return App(**{field.name: getattr(desk, field.name) for field in fields(desk)}, index=index, router=router, labels=labels)


def fixed_backends(settings: Settings) -> dict[str, Entry]:
    """Those that the settings name."""
    found = {LAST: Entry(LAST, LAST, {}, fixed=True)}
    if settings.hosted_url or settings.hosted_model:
        key = settings.hosted_key.get_secret_value()
        hosted = {
            "url": settings.hosted_url, "model": settings.hosted_model, "key": key, "window": settings.hosted_window,
            "tokenizer": settings.hosted_tokenizer,
        }  # fmt: skip
        found["hosted"] = Entry("hosted", "hosted", hosted, fixed=True)
    if settings.local_model:
        local = {"model": settings.local_model, "four_bit": settings.local_four_bit}
        found["local"] = Entry("local", "local", local, fixed=True)
    return found


def check_backends(settings: Settings, backends: Fleet) -> None:
    """Raise `SettingsError` where the settings name a backend that cannot be. It need not be up."""
    if wrong := backends.wrong("hosted"):
        raise SettingsError(wrong)
    if settings.backend and settings.backend not in backends:
        known = ", ".join(backends)
        raise SettingsError(
            f"backend is {settings.backend!r}; set up are: {known}. Correct ANSWERDESK_BACKEND, or give ANSWERDESK_HOSTED_URL and "
            "ANSWERDESK_HOSTED_MODEL for a hosted one, ANSWERDESK_LOCAL_MODEL for a local one."
        )


def initial_policy(settings: Settings, backends: Container[str]) -> Policy:
    """What is in force until somebody changes it."""
    default = settings.backend or ("hosted" if "hosted" in backends else LAST)
    turn_s = max(Limits().turn_s, settings.first_token_s + _REST_OF_TURN_S)  # else a slow model's time would end with the turn's
    return Policy(default, limits=Limits(settings.first_token_s, settings.idle_s, settings.total_s, turn_s))


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
    teaching = Teaching(settings.shots, settings.cot, settings.tone, settings.direct_answers)
    return Lessons(Pool(engine), PromptVersions(engine), Choices(engine), embedder, teaching)


def _log_progress(done: int, total: int, name: str) -> None:
    if done % 256 == 0:
        logger.info("building the index: %d of %d (%s)", done, total, name)
