"""A causal language model that lives in this process: its weights, its adapters, and the one thread that works with them.

Nothing is loaded before the first question, and then in the background.
"""

from __future__ import annotations

import atexit
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread

from bot.adapters import read_adapter, refused
from bot.backends.base import Options
from bot.causal import base_hash, free
from bot.errors import BackendError, BackendUnavailable, ContextOverflow
from bot.generation import Batch, Reply, Words, grouped
from bot.loaded import Loaded, open_loaded
from bot.messages import Message
from bot.render import render

logger = logging.getLogger(__name__)

LEAVING_S = 60  # how long a process that ends waits for a model that is being loaded: cut off in the middle, torch aborts the process
POLL_S = 0.05  # how soon a cancelled reply is noticed while the model is silent
UNKNOWN_WINDOW = 2048  # until the model is there


class _ClosedError(Exception):
    """Nobody will ask any more."""


class LocalModel:
    """A base model, its queue and its adapters. Thread-safe.

    tokens: how many it has generated. idle: set while nothing is being generated.
    """

    def __init__(
        self,
        name: str,
        four_bit: bool = False,
        *,
        find: Callable[[], str] | None = None,
        window: int | None = None,
        batch: int = 8,
        patience_s: float = 12,
    ) -> None:
        """name: a folder or a hub name. find: gives the folder when it is needed, where that takes work. window: less than the model's own.

        batch: most replies that go through the model together. patience_s: how long after loading began a question waits for its end.
        """
        self.name = name
        self.four_bit = four_bit
        self.tokens = 0
        self.idle = Event()
        self.idle.set()
        self.find = find or (lambda: name)
        self.most_window = window
        self._most = batch
        self.patience_s = patience_s
        self._lock = Lock()
        self._loading: Future[Loaded] | None = None
        self._began = 0.0
        self._inbox: SimpleQueue[Reply | Callable[[], None] | None] = SimpleQueue()  # None: nobody will ask any more

    @property
    def window(self) -> int:
        return self.room(None)

    def room(self, label: str | None) -> int:
        """The tokens that prompt and reply may have together with the adapter of that label; some set tokens of their own before them."""
        loaded = self._loaded()
        if loaded is None:
            return self.most_window or UNKNOWN_WINDOW
        before = loaded.rack.before(loaded.rack.key(label)) if label else None
        return loaded.window - (before.length if before else 0)

    def load(self, wait_s: float | None = None) -> Loaded:
        """The loaded model; loading begins with the first call, in a thread of its own. Raises `BackendError`.

        wait_s: how long to wait for it; None is until it is there.
        """
        with self._lock:
            failed = self._loading and self._loading.done() and self._loading.exception()
            if self._loading is None or failed:  # a folder that was missing may be there now
                self._loading, self._began = Future(), time.monotonic()
                over = Event()
                atexit.register(over.wait, LEAVING_S)
                Thread(target=self._work, args=(over,), name=f"local-{Path(self.name).name}", daemon=True).start()
            loading = self._loading
        try:
            return loading.result(wait_s)
        except FutureTimeout:
            raise BackendUnavailable(
                f"{self.name} is still being loaded, for {time.monotonic() - self._began:.0f} s by now; it answers as soon as it is there"
            ) from None

    def ready(self) -> Loaded:
        """The loaded model, if it is there no more than `patience_s` after loading began. Raises `BackendError`."""
        began = self._began if self._loading else time.monotonic()
        return self.load(max(0.0, began + self.patience_s - time.monotonic()))

    def load_adapter(self, name: str, folder: Path, sha256: str = "") -> str:
        """Put the adapter in `folder` beside those that are there, and say its label, `name@hash`. One that is there already is kept.

        sha256: what its weights must have. Raises `BackendRejected`, and leaves the others as they are.
        """
        loaded = self.load()
        read = read_adapter(name, folder, loaded.sha256)
        if sha256 and read.sha256 != sha256:
            raise refused(read.label, f"its weights should be {sha256[:8]}; promote it anew")
        if not loaded.rack.known(read):
            self._do(lambda: loaded.rack.add(read))
        return read.label

    def drop_adapter(self, label: str) -> None:
        """Take an adapter off; one that is not there is none. Replies that are being made with it end."""
        if (loaded := self._loaded()) and loaded.rack.key(label):
            self._do(lambda: loaded.rack.remove(label))

    def labels(self) -> tuple[str, ...]:
        """The labels of the adapters on the model."""
        loaded = self._loaded()
        return loaded.rack.labels() if loaded else ()

    def sha256(self) -> str:
        """Of the base, as `base_hash` says it; it need not be loaded. Raises `BackendError`."""
        loaded = self._loaded()
        return loaded.sha256 if loaded else base_hash(self.find())

    def close(self) -> None:
        """Free the memory when what was asked for before is done. Does not wait; the next question would load it anew."""
        self._inbox.put(None)

    def count(self, text: str) -> int:
        """Tokens of `text`; before the model is there an upper estimate, since counting must not wait for it."""
        loaded = self._loaded()
        whole = text.encode("utf-8", "replace")  # halves of surrogate pairs are nothing that a tokenizer takes
        return len(loaded.tokenizer(whole.decode(), add_special_tokens=False)["input_ids"]) if loaded else len(whole)

    def count_chat(self, messages: Sequence[Message]) -> int:
        """Tokens of a whole chat, the template's marks and the place for the reply counted. Raises `BackendError`."""
        return len(render(self.load().tokenizer, messages, None).ids)

    def generate(self, messages: Sequence[Message], options: Options, label: str | None = None) -> Iterator[str]:
        """The reply to a chat, piece by piece, by the adapter of that label. Raises `BackendError`."""
        if options.cancel and options.cancel.is_set():
            return
        loaded = self.ready()
        key = None if label is None else loaded.rack.key(label)
        if label is not None and key is None:
            raise BackendUnavailable(f"the adapter {label} is not on {self.name} any more; it was dropped")
        ids = render(loaded.tokenizer, messages, None).ids
        room = self.room(label)
        if len(ids) >= room:
            raise ContextOverflow(f"the prompt has {len(ids)} tokens; {self.name} takes {room - 1} and a reply")
        stop = Event()
        stops = (stop, options.cancel) if options.cancel else (stop,)
        reply = Reply(ids, min(options.max_tokens, room - len(ids)), options.temperature, key, stops)
        self.idle.clear()
        self._inbox.put(reply)
        words = Words(lambda tokens: str(loaded.tokenizer.decode(tokens, skip_special_tokens=True)))
        try:
            while not (options.cancel and options.cancel.is_set()):
                try:
                    item = reply.out.get(timeout=POLL_S)
                except Empty:
                    continue
                if isinstance(item, BackendError):
                    raise item
                if text := words.rest() if item is None else words.push(item):
                    yield text
                if item is None:
                    return
        finally:
            stop.set()

    def _loaded(self) -> Loaded | None:
        loading = self._loading
        return loading.result() if loading and loading.done() and not loading.exception() else None

    def _work(self, over: Event) -> None:
        """The thread: loads, then generates until it is closed. over: set when the loading has ended, well or not."""
        with self._lock:  # a future that came as an argument would hold the model for as long as the thread lives
            loading = self._loading
        if loading is None:
            over.set()
            return
        began = time.monotonic()
        try:
            loaded = open_loaded(self.find(), four_bit=self.four_bit, window=self.most_window, called=self.name)
            logger.info("%s is loaded, after %.1f s", self.name, time.monotonic() - began)
        except BackendError as error:
            loading.set_exception(error)
            return
        except Exception as error:
            logger.exception("%s cannot be loaded", self.name)
            loading.set_exception(BackendUnavailable(f"{self.name} cannot be loaded: {type(error).__name__}: {str(error)[:200]}"))
            return
        finally:
            over.set()
        loading.set_result(loaded)
        running: list[Batch] = []
        try:
            while True:
                running += [self._batch(loaded, group) for group in self._arrived(not running)]
                for batch in list(running):
                    self._step(loaded, batch)
                    if not batch.replies:
                        running.remove(batch)
        except _ClosedError:
            for batch in running:
                batch.fail(BackendUnavailable(f"{self.name} was closed while it answered"))
        with self._lock:
            self._loading = None
        self.idle.set()
        del loaded, loading, running
        free()
        logger.info("%s is closed, and its memory is free", self.name)

    def _batch(self, loaded: Loaded, replies: list[Reply]) -> Batch:
        return Batch(loaded.model, loaded.ends, loaded.tokenizer.pad_token_id, replies, loaded.rack.before(replies[0].adapter))

    def _arrived(self, wait: bool) -> list[list[Reply]]:
        """The new replies, grouped. wait: until there is something, since nothing is being generated. Raises `_ClosedError`."""
        replies: list[Reply] = []
        if wait and self._inbox.empty():
            self.idle.set()
        while wait or not self._inbox.empty():
            item = self._inbox.get()
            wait = False
            if item is None:
                raise _ClosedError
            if isinstance(item, Reply):
                self.idle.clear()
                replies.append(item)
            else:
                item()
        return grouped(replies, self._most)

    def _step(self, loaded: Loaded, batch: Batch) -> None:
        try:
            wanted = batch.replies[0].adapter
            if wanted is not None and wanted not in loaded.rack:
                batch.fail(BackendUnavailable(f"{self.name}: the adapter was dropped while it answered"))
                return
            loaded.rack.switch(wanted)
            self.tokens += batch.step()
        except Exception as error:  # out of memory, for one: it must cost these replies only
            logger.exception("%s failed while generating", self.name)
            batch.fail(BackendUnavailable(f"{self.name} failed while generating: {type(error).__name__}; the log has the details"))

    def _do(self, work: Callable[[], None]) -> None:
        """Have the thread do this between two tokens, and wait for it."""
        self.load()
        done: Future[None] = Future()

        def job() -> None:
            try:
                work()
                done.set_result(None)
            except Exception as error:  # noqa: BLE001  (it is raised where the work was asked for)
                done.set_exception(error)

        self._inbox.put(job)
        done.result()
