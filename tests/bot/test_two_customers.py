"""Two customers at once: nothing of one is ever in a prompt of the other."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.backends.fake import FakeBackend
from bot.messages import Prompt
from bot.recall import Recall
from bot.router import Router
from tests.bot.turning import ASKED, Desk, desk

SAYS = (
    "My order number is {code}. " + ASKED,
    "I own a {product}. " + ASKED,
    "I'd rather be contacted by {way}. " + ASKED,
    "My {product} is cracked since {code}. " + ASKED,
    ASKED,
)
OWN = {"anna": ("AN", "Nova S", "letter"), "bert": ("BE", "Kite ", "telegram")}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[Desk, FakeBackend, Recall]]:
    """A model with a small window, so that there are summaries too."""
    model = FakeBackend(["Thirty days."], name="small", window=1400)
    with desk(tmp_path, model) as made:
        recall = Recall(made.engine)
        made.router = Router(made.store, made.index, made.router._dispatch, made.router._rules, recall=recall)
        yield made, model, recall


def take_turns(shop: tuple[Desk, FakeBackend, Recall], turns: int) -> dict[str, list[Prompt]]:
    """Both customers by turns, in three conversations each, some under the same conversation's name; the prompts of each."""
    made, model, recall = shop
    chance = random.Random(3)
    prompts: dict[str, list[Prompt]] = {"anna": [], "bert": []}
    for number in range(turns):
        customer = chance.choice(["anna", "bert"])
        letters, product, way = OWN[customer]
        said = chance.choice(SAYS).format(code=f"{letters}-{10_000 + number}", product=f"{product}{number % 9}", way=way)
        before = len(model.asked)
        made.ask(said, customer=customer, conversation=f"{customer}-{chance.randrange(3)}")
        prompts[customer] += [prompt for prompt, _ in model.asked[before:]]
        if number % 5 == 0:
            assert recall.background.settle(20)
    return prompts


def check(prompts: dict[str, list[Prompt]]) -> None:
    text = {customer: "\n".join(message.text for prompt in asked for message in prompt.messages) for customer, asked in prompts.items()}
    for customer, other in (("anna", "bert"), ("bert", "anna")):
        letters, product, way = OWN[customer]
        assert letters in text[customer]
        assert f"has a {product}" in text[customer]  # as memory writes it: recalled
        assert "<earlier>" in text[customer]  # summarized
        assert [word for word in (f"{letters}-", product, way) if word in text[other]] == []


def test_sixty_turns(shop: tuple[Desk, FakeBackend, Recall]):
    check(take_turns(shop, 60))


@pytest.mark.long
def test_five_hundred_turns(shop: tuple[Desk, FakeBackend, Recall]):
    prompts = take_turns(shop, 500)
    check(prompts)
    assert 490 <= len(prompts["anna"]) + len(prompts["bert"]) <= 500  # who asks the very same again and again gets a person
