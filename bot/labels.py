"""The intent and the sentiment of every message, from labelled rows that the product brings along and from the desk's own."""

import logging
import re
import threading
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np

from bot.classify import Classifier, Embed, Labelled, train
from knowledge.embed import Vectors

logger = logging.getLogger(__name__)
_CLAUSE = re.compile(
    r"(?<=[.!?;。！？；])\s*"
    r"|,?\s+\b(?:and also|and|also|but)\b\s+(?=(?:how|what|when|where|can|could|do|does|is|are|i|my|please)\b)"
    r"|[，,](?=\s*(?:另外|还有|顺便|再|也|能|可以|怎么|请))",
    re.IGNORECASE,
)
_STEP = 16  # texts embedded at once while training
_SURE = 0.6  # share of a sentiment below which a message is taken as neutral
_SHARE = 0.3  # that an intent of a clause must have to be named beside the first


@dataclass(frozen=True, slots=True)
class Labels:
    """intent, sentiment: None while nothing is known. intents: of the message's clauses, the main one first. shares: 0..1."""

    intent: str | None = None
    sentiment: str | None = None
    intents: tuple[str, ...] = ()
    sentiment_share: float = 0.0


UNKNOWN = Labels()


@dataclass(frozen=True, slots=True)
class Rows:
    """What the two classifiers learn from."""

    intents: tuple[Labelled, ...]
    sentiments: tuple[Labelled, ...]


def shipped() -> Rows:
    """The rows of `labelled.toml`, which are in both languages."""
    languages = tomllib.loads(resources.files("bot").joinpath("labelled.toml").read_text("utf-8")).values()
    told = [
        (text, intent, sentiment)
        for intents in languages
        for intent, sentiments in intents.items()
        for sentiment, texts in sentiments.items()
        for text in texts
    ]
    return Rows(tuple(Labelled(text, intent) for text, intent, _ in told), tuple(Labelled(text, mood) for text, _, mood in told))


class _Ending(Exception):
    """The program ends, and the training with it."""


class Labeller:
    """Labels messages. It trains itself in the background when it is first asked, and knows nothing until it is done. Thread-safe."""

    def __init__(self, embed: Embed, rows: Callable[[], Rows] = shipped) -> None:
        """rows: read when training begins."""
        self._embed = embed
        self._rows = rows
        self._trained: tuple[Classifier, Classifier] | None = None
        self._training: threading.Thread | None = None
        self._lock = threading.Lock()

    def of(self, text: str) -> Labels:
        """The labels of a message; never waits for the training."""
        trained = self._trained
        if trained is None:
            self.begin()
            return UNKNOWN
        return self._judged(text, *trained)

    def begin(self) -> threading.Thread | None:
        """Start the training, unless it was started before."""
        with self._lock:
            if self._training:
                return None
            self._training = threading.Thread(target=self._train, name="labels")  # no daemon: torch must not be cut off
            self._training.start()
        return self._training

    def wait(self) -> None:
        """Come back when messages can be labelled: for a process that has one to answer and would end before it knew anything."""
        self.begin()
        if self._training:
            self._training.join()

    def _train(self) -> None:
        try:
            rows = self._rows()
            known: dict[str, Vectors] = {}  # the two learn from the same texts

            def embed(texts: Sequence[str]) -> Vectors:
                new = [text for text in dict.fromkeys(texts) if text not in known]
                known.update(zip(new, self._in_steps(new), strict=True) if new else ())
                return np.stack([known[text] for text in texts]) if texts else self._embed(texts)

            self._trained = train(rows.intents, embed), train(rows.sentiments, embed)
        except _Ending:
            return
        except Exception:  # without labels the bot answers all the same
            logger.exception("the classifiers of intent and sentiment could not be trained")

    def _in_steps(self, texts: Sequence[str]) -> Vectors:
        """Embed a few texts at a time: whoever asks in the meantime need not wait, and a program that ends is not held up."""
        steps = []
        for start in range(0, len(texts), _STEP):
            if not threading.main_thread().is_alive():
                raise _Ending
            steps.append(self._embed(texts[start : start + _STEP]))
        return np.concatenate(steps)

    @staticmethod
    def _judged(text: str, intent: Classifier, sentiment: Classifier) -> Labels:
        parts = clauses(text)
        whole, *pieces = intent.judge([text, *(parts if len(parts) > 1 else ())])
        (mood,) = sentiment.judge([text])
        named = [piece.label for piece in pieces if piece.share >= _SHARE and not piece.outside]
        main = None if whole.outside else whole.label
        intents = tuple(dict.fromkeys(([main] if main else []) + named))
        feeling = mood.label if mood.share >= _SURE else "neutral"
        return Labels(intents[0] if intents else None, feeling, intents, mood.share)


def clauses(text: str) -> list[str]:
    """The parts of a message that may each want something of their own."""
    return [part for piece in _CLAUSE.split(text) if any(map(str.isalnum, part := piece.strip(" ,，")))]
