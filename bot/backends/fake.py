"""A scripted backend for tests and demonstrations: it says what it was told to say, and remembers what it was asked."""

from collections.abc import Callable, Iterator, Sequence
from math import ceil
from threading import Event

from bot.backends.base import Options
from bot.messages import Prompt

Script = Sequence[str] | Callable[[Prompt], Sequence[str]]


class FakeBackend:
    """Answers with the pieces of `script`, or with those that `script(prompt)` returns; each piece is one token to `max_tokens`.

    delay_s: seconds before every piece. pause: how they pass; by default a real wait that ends when the reply is cancelled,
    else for instance a virtual clock's, or `time.sleep` for a backend that blocks whatever is cancelled.
    error: raised when `error_after` pieces are out (0: before the first).
    asked: every prompt with its options, in order. stopped: set when a reply was cancelled or its iterator closed.
    """

    def __init__(
        self,
        script: Script = ("Hello.",),
        *,
        name: str = "fake",
        kind: str = "fake",
        window: int = 4096,
        delay_s: float = 0,
        pause: Callable[[float], None] | None = None,
        error: Exception | None = None,
        error_after: int = 0,
    ) -> None:
        self.name = name
        self.kind = kind
        self.window = window
        self.adapter: str | None = None
        self.asked: list[tuple[Prompt, Options]] = []
        self.stopped = Event()
        self._script = script
        self._delay_s = delay_s
        self._pause = pause
        self._error = error
        self._error_after = error_after

    def stream(self, prompt: Prompt, options: Options) -> Iterator[str]:
        self.asked.append((prompt, options))
        cancel = options.cancel or Event()
        pieces = self._script(prompt) if callable(self._script) else self._script
        try:
            for number, piece in enumerate(pieces[: options.max_tokens]):
                if self._error and number == self._error_after:
                    raise self._error
                self._wait(cancel)
                if cancel.is_set():
                    self.stopped.set()
                    return
                yield piece
            if self._error and self._error_after >= len(pieces):
                raise self._error
        except GeneratorExit:
            self.stopped.set()
            raise

    def count(self, text: str) -> int:
        """A token is four characters, the last one perhaps shorter."""
        return ceil(len(text) / 4)

    def _wait(self, cancel: Event) -> None:
        if self._pause:
            self._pause(self._delay_s)
        elif self._delay_s:
            cancel.wait(self._delay_s)
