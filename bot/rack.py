"""The adapters on one base model: laid on it beside each other, switched between, taken off again, none of them copying the base.

The last word on an adapter has a probe: one that makes the output no number, or changes nothing, is refused.
"""

from collections.abc import Sequence
from threading import Lock
from typing import Any

from bot.adapters import Read
from bot.errors import BackendRejected
from bot.fitted import Fitted, fit
from bot.generation import Batch, Before, Reply


class Rack:
    """Only the thread that works with the model calls `add`, `remove` and `switch`; what else there is, anybody."""

    def __init__(self, model: Any, pad: int, probe: Sequence[int]) -> None:
        """probe: token ids to try an adapter with."""
        self._model, self._pad, self._probe = model, pad, probe
        self._lock = Lock()
        self._fitted: dict[str, Fitted] = {}  # by key
        self._keys: dict[str, str] = {}  # by label
        self._active: str | None = None

    def labels(self) -> tuple[str, ...]:
        """The labels of the adapters that are there."""
        with self._lock:
            return tuple(self._keys)

    def key(self, label: str) -> str | None:
        """What the model knows an adapter by; None for one that is not there."""
        with self._lock:
            return self._keys.get(label)

    def __contains__(self, key: str) -> bool:
        with self._lock:
            return key in self._fitted

    def before(self, key: str | None) -> Before | None:
        """What the adapter sets before every prompt."""
        with self._lock:
            return self._fitted[key].before if key in self._fitted else None

    def known(self, read: Read) -> bool:
        """Whether these weights are there already; they go by this name too then."""
        with self._lock:
            if read.key in self._fitted:
                self._keys[read.label] = read.key
        return read.key in self

    def add(self, read: Read) -> None:
        """Put an adapter beside those that are there, and switch all off. Raises `BackendRejected`, and leaves the model as it was."""
        if self.known(read):
            return
        self.switch(None)
        try:
            fitted = fit(self._model, read)
        except (BackendRejected, ValueError, KeyError, RuntimeError, TypeError, AttributeError) as error:
            raise misfit(read.label, (str(error).splitlines() or [type(error).__name__])[0][:200]) from None
        try:
            self._prove(read.label, fitted)
        except BaseException:
            fitted.remove()
            raise
        with self._lock:
            self._fitted[read.key] = fitted
            self._keys[read.label] = read.key

    def remove(self, label: str) -> None:
        """Take an adapter off, unless it goes by another name too; one that is not there is none."""
        with self._lock:
            key = self._keys.pop(label, None)
            if key is None or key in self._keys.values():
                return
        if self._active == key:
            self.switch(None)
        with self._lock:
            fitted = self._fitted.pop(key)
        fitted.remove()

    def switch(self, key: str | None) -> None:
        """Have the model answer with this adapter alone, or as the bare base."""
        if key == self._active:
            return
        if self._active is not None:
            self._fitted[self._active].switch(False)
        self._active = None
        if key is not None:
            self._fitted[key].switch(True)
        self._active = key

    def _prove(self, label: str, fitted: Fitted) -> None:
        import torch

        bare = self._output(None)
        try:
            fitted.switch(True)
            tuned = self._output(fitted.before)
        finally:
            fitted.switch(False)
        if not bool(tuned.isfinite().all()):
            raise misfit(label, "the model's output with it is not finite")
        if torch.equal(bare, tuned):
            raise misfit(label, "it changes nothing; was it ever trained?")

    def _output(self, before: Before | None) -> Any:
        return Batch(self._model, frozenset(), self._pad, [Reply(self._probe, 1, 0.0, None, ())], before).logits()


def misfit(label: str, why: str) -> BackendRejected:
    """The error, for people."""
    return BackendRejected(f"the adapter {label} is refused: {why}; promote one that was trained on this base")
