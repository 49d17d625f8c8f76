"""The Protocol that every backend keeps, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event
from typing import Protocol, runtime_checkable

from bot.messages import Prompt


@dataclass(frozen=True, slots=True)
class Options:
    """How one reply is made.

    max_tokens: 1..8192. temperature: 0..2. cancel: when set, the stream ends within one token and frees what it held.
    """

    max_tokens: int = 512
    temperature: float = 0.0
    cancel: Event | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.max_tokens <= 8192:
            raise ValueError(f"max_tokens is {self.max_tokens}; allowed: 1 to 8192")
        if not 0 <= self.temperature <= 2:
            raise ValueError(f"temperature is {self.temperature}; allowed: 0 to 2")


@runtime_checkable
class Backend(Protocol):
    """Something that answers a prompt. Streaming is the only primitive: a whole reply is a join.

    name: how policy, provenance and people call it. kind: `extractive`, `hosted`, `local` or `fake`.
    window: prompt and reply together, in this backend's tokens. adapter: name and hash of the adapter in use, or None.
    """

    name: str
    kind: str
    adapter: str | None

    @property
    def window(self) -> int: ...

    def stream(self, prompt: Prompt, options: Options) -> Iterator[str]:
        """Yield the reply piece by piece; joined they are the reply.

        Reasoning is no part of it: a model's text goes through `without_reasoning`, with `expected=prompt.reasoned`.
        Yields nothing when the evidence holds no answer. Raises a `bot.errors.BackendError` and no other exception.
        Closing the iterator, or setting `options.cancel`, stops the work.
        """
        ...

    def count(self, text: str) -> int:
        """How many tokens `text` is to this backend; 0 for the empty string."""
        ...
