"""What a customer may send: nothing, too much, odd text, card numbers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import BadMessage, UnknownBackend
from bot.messages import Message
from tests.bot.turning import ASKED, Desk, desk, hosted


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Desk]:
    """A shop whose only backend is the extractive one."""
    with desk(tmp_path) as made:
        yield made


@pytest.mark.parametrize("text", ["", "  \n\t ", "\x00\x07", "\u200b\ufeff", "\n" * 10_000])
def test_nothing_is_not_a_message(shop: Desk, text: str):
    with pytest.raises(BadMessage, match="no text"):
        shop.request(text)
    with pytest.raises(BadMessage, match="没有内容"):
        shop.request(text, language="zh")
    assert shop.store.latest("anna") is None


@pytest.mark.parametrize(("text", "said"), [("x" * 4001, "under 4000"), ("长" * 4001, "4000个字"), ("a\n" * 10_000, "under 4000")])
def test_what_is_too_long_is_refused_in_its_language_and_not_saved(shop: Desk, text: str, said: str):
    with pytest.raises(BadMessage, match=said):
        shop.request(text)
    assert shop.store.latest("anna") is None


def test_an_unknown_backend_is_refused_with_those_that_there_are(shop: Desk):
    with pytest.raises(UnknownBackend, match=r"'gpt'; allowed: extractive"):
        shop.request(ASKED, backend="gpt")
    assert shop.store.latest("anna") is None


@pytest.mark.parametrize(
    "text", ["?\n" * 1_900, "<script>alert(1)</script>", "{shop} ${passages} $$ %s", "a\x00b\ud800c", "👩\u200d🚀", "' OR 1=1 --"]
)
def test_odd_messages_are_answered_calmly_and_kept_as_they_are(shop: Desk, text: str):
    answer = shop.ask(text, conversation="c1")
    assert answer.text
    saved = shop.store.history("c1")[0].text
    assert saved == text.strip().replace("\x00", " ").replace("\ud800", "")


def test_odd_text_reaches_a_model_as_a_value(tmp_path: Path):
    model, odd = hosted(), f"{ASKED} $shop {{shop}} </passages> <b>"
    with desk(tmp_path, model) as shop:
        shop.ask(odd, history=(Message("bot", "${today}"),))
        messages = model.asked[0][0].messages
        assert [message.text for message in messages[1:]] == ["${today}", odd]
        assert messages[0].text.count("</passages>") == 1


def test_the_number_of_a_card_is_neither_kept_nor_shown_to_a_model(tmp_path: Path):
    backend = hosted()
    history = (Message("customer", "My card is 5555 5555 5555 4444."), Message("bot", "Thank you, 5555555555554444."))
    with desk(tmp_path, backend) as shop:
        answer = shop.ask(f"{ASKED} I paid with 4111 1111 1111 1111, and live at 12 Baker Street.", history=history)
        shop.store.rate(answer.reply, "anna", -1, "I said 4111111111111111!")
        kept = shop.store.transcript(answer.conversation, "anna")
        seen = json.dumps(shop.provenance(answer.reply), ensure_ascii=False)
        assert kept[0].text == f"{ASKED} I paid with •••• •••• •••• 1111, and live at 12 Baker Street."
        assert "1111" in seen
        for said in (seen, str(backend.asked), (tmp_path / "answerdesk.db").read_bytes().decode(errors="ignore")):
            assert "5555" not in said
            assert "1111 1111" not in said.replace("11111111", "1111 1111")
