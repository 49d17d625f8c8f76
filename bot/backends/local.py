"""A transformers model of our own as a backend, with any number of LoRA adapters on the one base, chosen for each reply.

The weights and the work are `LocalModel`'s; many of these backends may stand on one.
"""

from collections.abc import Callable, Iterator, Sequence
from threading import Lock

from bot.backends.base import Options
from bot.backends.reasoning import without_reasoning
from bot.local_model import LocalModel
from bot.messages import Message, Prompt


class LocalBackend:
    """One face of a `LocalModel`: the bare base, or one adapter on it.

    adapter: a label as `load_adapter` gives it. opens: puts that adapter on the model, at the first question.
    """

    def __init__(
        self, model: LocalModel, adapter: str | None = None, name: str = "local", opens: Callable[[], object] | None = None
    ) -> None:
        self.name = name
        self.kind = "local"
        self.adapter = adapter
        self.model = model
        self._opens = opens
        self._lock = Lock()

    @property
    def window(self) -> int:
        return self.model.window

    def stream(self, prompt: Prompt, options: Options) -> Iterator[str]:
        """The reply without reasoning. Raises `BackendError` only."""
        if self._opens is not None and not (options.cancel and options.cancel.is_set()):
            self.model.ready()  # which loses its patience; an adapter waits for its base without
            with self._lock:
                if self._opens is not None:
                    self._opens()
                    self._opens = None
        pieces = self.model.generate(prompt.messages, options, self.adapter)
        yield from without_reasoning(pieces, self.name)

    def count(self, text: str) -> int:
        return self.model.count(text)

    def count_chat(self, messages: Sequence[Message]) -> int:
        """Tokens of a whole chat, with the marks of the template."""
        return self.model.count_chat(messages)
