"""A transformers model of our own as a backend, with any number of adapters on the one base, chosen for each reply.

The weights and the work are `LocalModel`'s; many of these backends may stand on one. A fully tuned model is a `LocalModel` of its own,
which goes with the last backend that stands on it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar
from weakref import WeakValueDictionary, finalize

from bot.adapters import label
from bot.backends.base import Backend, Options
from bot.backends.reasoning import without_reasoning
from bot.errors import BadPolicy
from bot.kinds import Kind
from bot.local_model import LocalModel
from bot.messages import Message, Prompt
from bot.policy import Adapter
from bot.whole import is_whole, whole_model

STARTER = "starter"  # the name of the model that the product makes itself


class Own:
    """A fully tuned model for as long as somebody holds this."""

    def __init__(self, model: LocalModel) -> None:
        self.model = model
        finalize(self, model.close)


class LocalBackend:
    """One face of a `LocalModel`: the bare base, or one adapter on it.

    adapter: a label as `load_adapter` gives it. opens: puts that adapter on the model, at the first question. own: where the model is what
    was tuned.
    """

    def __init__(
        self,
        model: LocalModel,
        adapter: str | None = None,
        name: str = "local",
        opens: Callable[[], object] | None = None,
        own: Own | None = None,
    ) -> None:
        self.name = name
        self.kind = "local"
        self.adapter = adapter
        self.model = model
        self._opens = opens
        self.own = own
        self._lock = Lock()

    @property
    def window(self) -> int:
        return self.model.room(self._asked)

    @property
    def _asked(self) -> str | None:
        return None if self.own else self.adapter

    def open(self) -> None:
        """Have it ready to answer, however long that takes. Raises `BackendError`."""
        self.model.load()
        with self._lock:
            if self._opens is not None:
                self._opens()
                self._opens = None

    def stream(self, prompt: Prompt, options: Options) -> Iterator[str]:
        """The reply without reasoning. Raises `BackendError` only."""
        if self._opens is not None and not (options.cancel and options.cancel.is_set()):
            self.model.ready()  # which loses its patience; an adapter waits for its base without
            self.open()
        pieces = self.model.generate(prompt.messages, options, self._asked)
        yield from without_reasoning(pieces, self.name)

    def count(self, text: str) -> int:
        return self.model.count(text)

    def count_chat(self, messages: Sequence[Message]) -> int:
        """Tokens of a whole chat, with the marks of the template."""
        return self.model.count_chat(messages)


def adapted(model: LocalModel, adapter: Adapter, name: str = "local", own: Own | None = None) -> LocalBackend:
    """The face of `model` with that adapter, which nothing reads before the first question. own: of a fully tuned one, where it is open."""
    shown, folder = label(adapter.name, adapter.sha256), Path(adapter.folder)
    if own or is_whole(folder):
        own = own or Own(whole_model(model, adapter))
        return LocalBackend(own.model, shown, name, own=own)
    return LocalBackend(model, shown, name, lambda: model.load_adapter(adapter.name, folder, adapter.sha256))


@dataclass(frozen=True, slots=True)
class Local:
    """What a local backend is set up with. model: a folder, a hub name, or `starter`. window: less than the model's own; 0 is its own."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    model: str
    four_bit: bool = False
    window: int = 0

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise BadPolicy("model is empty; give a folder, a hub name, or starter")
        if self.window and not 128 <= self.window <= 4_000_000:
            raise BadPolicy(f"window is {self.window}; allowed: 128 to 4000000 tokens, or 0 for the model's own")


def local_kind(starter: Callable[[], Path]) -> Kind:
    """Backends of the same set-up share one model in memory. starter: gives the starter model's folder, and makes it if need be."""
    models: dict[Local, LocalModel] = {}
    owned: WeakValueDictionary[tuple[Local, Adapter], Own] = WeakValueDictionary()
    lock = Lock()

    def open_local(name: str, setup: Local, adapter: Adapter | None) -> Backend:
        find = (lambda: str(starter())) if setup.model == STARTER else None
        with lock:
            model = models.setdefault(setup, LocalModel(setup.model, setup.four_bit, find=find, window=setup.window or None))
            if adapter is None:
                return LocalBackend(model, None, name)
            backend = adapted(model, adapter, name, owned.get((setup, adapter)))
            if backend.own:
                owned[setup, adapter] = backend.own
            return backend

    return Kind("local", Local, open_local)
