import random
import threading
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from bot.classify import FEW, Labelled, train
from bot.heads import HEADS, Prototypes, heads, softmax
from bot.labels import UNKNOWN, Labeller, Rows, clauses, shipped
from knowledge.embed import HashEmbedder, Vectors

EMBED = HashEmbedder().queries
SUBJECTS = {"returns": "return refund back exchange", "delivery": "ship courier parcel arrive", "payment": "card pay invoice bank"}


def _rows(count: int, seed: int = 0, subjects: dict[str, str] | None = None) -> list[Labelled]:
    """Rows of four words, of which two tell the label."""
    chosen, filler = random.Random(seed), ["please", "the", "my", "a", "it", "is", "when", "how", "can", "you"]
    rows = []
    for number in range(count):
        label, words = list((subjects or SUBJECTS).items())[number % len(subjects or SUBJECTS)]
        rows.append(Labelled(" ".join(chosen.sample(words.split(), 2) + chosen.sample(filler, 2)), label))
    return rows


def _accuracy(classifier: object, rows: list[Labelled]) -> float:
    judged = classifier.judge([row.text for row in rows])  # type: ignore[attr-defined]
    return sum(one.label == row.label for one, row in zip(judged, rows, strict=True)) / len(rows)


def test_few_rows_make_prototypes_and_many_are_tried():
    few, many = train(_rows(FEW * len(SUBJECTS) - 1), EMBED), train(_rows(160), EMBED)
    assert (few.method, few.accuracy) == ("prototypes", {})
    assert set(many.accuracy) == set(heads(160))
    assert many.accuracy[many.method] == max(many.accuracy.values())
    assert _accuracy(many, _rows(60, 1)) > 0.95
    assert train(_rows(FEW * len(SUBJECTS)), EMBED).accuracy


def test_one_row_a_label_makes_prototypes_however_many_labels_there_are():
    rows = [Labelled(f"word{number} more", f"label{number}") for number in range(120)]
    assert train(rows, EMBED).method == "prototypes"


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("labels", [2, 3])
def test_every_head_gives_shares_of_one(name: str, labels: int):
    rows = _rows(40, subjects=dict(list(SUBJECTS.items())[:labels]))
    texts, names = [row.text for row in rows], sorted({row.label for row in rows})
    targets = np.array([names.index(row.label) for row in rows])
    shares = HEADS[name](texts, EMBED(texts), targets).shares(texts, EMBED(texts))
    assert shares.shape == (40, labels)
    assert np.allclose(shares.sum(axis=1), 1)
    assert (shares.argmax(axis=1) == targets).mean() > 0.95


@pytest.mark.parametrize("code", ["{}_wanted", "{}Wanted", "{} wanted?"])
def test_few_rows_are_joined_by_the_names_of_their_labels(code: str):
    """The rows of two labels have no word of what is asked; their names have. Names that say nothing add nothing."""
    names = ["parcel", "invoice", "password", "colour", "voucher", "battery", "size", "garden"]
    rows = [Labelled(f"{name} w{n}" if n > 1 else f"w{n} please", code.format(name)) for n, name in enumerate(names)]
    asked = [Labelled(f"{name} now", code.format(name)) for name in names[:2]]
    assert _accuracy(train(rows, EMBED), asked) == 1
    coded = {row.label: f"L{n}" for n, row in enumerate(rows)}
    assert _accuracy(train([Labelled(row.text, coded[row.label]) for row in rows], EMBED), asked) < 1


def test_foreign_texts_are_told_by_a_threshold_from_the_rows():
    topics = {f"t{n}": " ".join(f"w{n}{letter}" for letter in "abcd") for n in range(8)}
    classifier = train(_rows(320, subjects=topics), EMBED)
    own = classifier.judge([row.text for row in _rows(80, 1, topics)])
    foreign = classifier.judge([f"zebra{n} quartz{n} please how" for n in range(40)])
    assert sum(one.outside for one in own) < 0.15 * len(own)
    assert sum(one.outside for one in foreign) > 0.9 * len(foreign)
    assert classifier.judge([]) == []


def test_another_method_must_gain_more_than_chance():
    """A seam for a tuned encoder: one that knows the answers is taken, one that does as well as ours is not."""

    class Knowing(Prototypes):
        def shares(self, texts: list[str], vectors: Vectors) -> np.ndarray:  # type: ignore[override, type-arg]
            return softmax(np.array([[9.0 * (number == int(text.split()[0][1:]) % 2) for number in range(2)] for text in texts]))

    noisy = [Labelled(f"n{number} x", f"l{number % 2}") for number in range(140)]
    clear = [Labelled(f"n{number} {'ab'[number % 2]}", f"l{number % 2}") for number in range(140)]
    assert train(noisy, EMBED, {"tuned": Knowing}).method == "tuned"
    assert train(clear, EMBED, {"tuned": Knowing}).method != "tuned"


def test_one_label_cannot_be_learned():
    with pytest.raises(ValueError, match="two labels"):
        train([Labelled("a", "x"), Labelled("b", "x")], EMBED)


def test_shipped_rows_are_enough_in_both_languages():
    rows = shipped()
    assert len(rows.intents) == len(rows.sentiments) >= 300
    chinese = [row for row in rows.intents if any("\u4e00" <= character <= "\u9fff" for character in row.text)]
    assert len(chinese) >= 150
    assert len(rows.intents) - len(chinese) >= 150
    assert set(Counter(row.label for row in rows.sentiments)) == {"neutral", "negative", "angry", "positive"}
    assert len({row.text for row in rows.intents}) == len(rows.intents)


def test_the_labeller_learns_in_the_background_and_knows_nothing_before():
    moods = (*_rows(30, subjects={"neutral": "when how what where", "angry": "awful terrible liar thief"}),)
    labeller = Labeller(EMBED, lambda: Rows(tuple(_rows(30)), moods))
    assert labeller.of("return refund").intent is None
    for thread in [found for found in threading.enumerate() if found.name == "labels"]:
        thread.join()
    told = labeller.of("return refund back, and how can my card pay bank invoice")
    assert set(told.intents) == {"returns", "payment"}
    assert told.intent in told.intents
    assert labeller.of("awful liar").sentiment == "angry"
    assert labeller.begin() is None


def test_who_has_one_message_alone_waits_and_each_text_is_embedded_once():
    seen: list[str] = []

    def embed(texts: Sequence[str]) -> Vectors:
        seen.extend(texts)
        return EMBED(texts)

    labeller = Labeller(embed, lambda: Rows(tuple(_rows(30)), tuple(_rows(30))))
    labeller.wait()
    assert len(seen) == len(set(seen))
    assert labeller.of("return refund").intent == "returns"
    labeller.wait()


def test_a_labeller_that_cannot_learn_says_nothing():
    labeller = Labeller(EMBED, lambda: Rows((), ()))
    thread = labeller.begin()
    assert thread
    thread.join()
    assert labeller.of("return refund") == UNKNOWN


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Where is my order? And can I return it?", ["Where is my order?", "And can I return it?"]),
        ("I want to cancel and how do I get my money back", ["I want to cancel", "how do I get my money back"]),
        ("black and white", ["black and white"]),
        ("几天能到，另外可以开发票吗", ["几天能到", "另外可以开发票吗"]),
        ("It broke!!! Who pays??", ["It broke!", "Who pays?"]),
        ("!!", []),
    ],
)
def test_clauses(text: str, parts: list[str]):
    assert clauses(text) == parts
