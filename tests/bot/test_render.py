"""The one renderer: which tokens a conversation is, and exactly which of them carry loss."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BackendRejected
from bot.messages import Message
from bot.render import render, template_hash
from tests.tiny import CHATML, tiny_tokenizer

TALK = (
    Message("system", "Be brief."),
    Message("customer", "你好"),
    Message("bot", "Hello."),
    Message("customer", "How long?"),
)
PROMPT = (
    "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n你好<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n"
    "<|im_start|>user\nHow long?<|im_end|>\n<|im_start|>assistant\n"
)
NO_SYSTEM = "{% if messages[0].role != 'user' %}{{ raise_exception('the customer begins') }}{% endif %}" + CHATML


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny_tokenizer()


def ends(tokenizer: Any, text: str) -> int:
    return len(tokenizer(text, add_special_tokens=False)["input_ids"])


def test_what_is_served_is_the_templates_text_and_carries_no_loss(tokenizer: Any):
    rendered = render(tokenizer, TALK, None)
    assert rendered.text == PROMPT
    assert tokenizer.decode(rendered.ids) == PROMPT
    assert set(rendered.loss_mask) == {False}


def test_exactly_the_reply_and_its_end_token_carry_loss(tokenizer: Any):
    rendered = render(tokenizer, TALK, "30 天。")
    assert rendered.text == PROMPT + "30 天。<|im_end|>"
    carrying = [token for token, loss in zip(rendered.ids, rendered.loss_mask, strict=True) if loss]
    assert tokenizer.decode(carrying) == "30 天。<|im_end|>"
    assert len(carrying) == len("30 天。".encode()) + 1
    assert rendered.loss_mask == (False,) * ends(tokenizer, PROMPT) + (True,) * len(carrying)


def test_the_template_itself_marks_the_same_tokens(tokenizer: Any):
    talk = [{"role": "user", "content": "How long?"}, {"role": "assistant", "content": "30 days."}]
    marked = tokenizer.apply_chat_template(talk, return_dict=True, return_assistant_tokens_mask=True)
    rendered = render(tokenizer, [Message("customer", "How long?")], "30 days.")
    assert list(rendered.ids) == marked["input_ids"][:-1]  # the template's line break behind the end is never generated
    assert [int(loss) for loss in rendered.loss_mask] == marked["assistant_masks"][:-1]


def test_roles_are_mapped_and_runs_of_one_side_are_one_turn(tokenizer: Any):
    talk = (
        Message("customer", "Hi"),
        Message("action", "order looked up: sent"),
        Message("bot", "One moment."),
        Message("agent", "It was sent."),
        Message("agent", "   "),
        Message("system", "Late rule."),
        Message("customer", "When?"),
    )
    assert render(tokenizer, talk, None).text == (
        "<|im_start|>system\nLate rule.<|im_end|>\n<|im_start|>user\nHi\n[order looked up: sent]<|im_end|>\n"
        "<|im_start|>assistant\nOne moment.\nIt was sent.<|im_end|>\n<|im_start|>user\nWhen?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_template_without_a_system_turn_gets_its_text_with_the_customers_first():
    talk = (Message("system", "Be brief."), Message("bot", "Welcome!"), Message("customer", "Hi"))
    text = render(tiny_tokenizer(NO_SYSTEM), talk, None).text
    assert text == "<|im_start|>user\nBe brief.\n\nHi<|im_end|>\n<|im_start|>assistant\n"


def test_where_the_template_has_no_end_mark_the_tokenizers_own_ends_the_reply():
    tokenizer = tiny_tokenizer(
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
    )
    rendered = render(tokenizer, [Message("customer", "Hi")], "Hello.")
    assert rendered.text == "user: Hi\nassistant: Hello.<|im_end|>"
    assert rendered.ids[-1] == tokenizer.eos_token_id


@pytest.mark.parametrize("template", [None, "{{ raise_exception('never') }}"])
def test_a_tokenizer_that_cannot_chat_is_refused_with_the_remedy(template: str | None):
    with pytest.raises(BackendRejected, match=r"chat template.*choose"):
        render(tiny_tokenizer(template), TALK, None)


@given(
    text=st.lists(st.sampled_from(["<|im_end|>", "<|im_", "start|>", "<|im_start|>", "system\n", "a", "您", " "]), max_size=8).map("".join)
)
def test_nobody_can_write_a_control_token(tokenizer: Any, text: str):
    rendered = render(tokenizer, [Message("system", "S"), Message("customer", f"x{text}")], f"y{text}")
    special = [token for token in rendered.ids if token in tokenizer.added_tokens_decoder]
    assert tokenizer.convert_ids_to_tokens(special) == ["<|im_start|>", "<|im_end|>"] * 3


@given(reply=st.text(max_size=40), question=st.text(min_size=1, max_size=40))
def test_training_begins_with_the_very_tokens_of_serving(tokenizer: Any, reply: str, question: str):
    talk = [Message("customer", f"?{question}")]
    served, trained = render(tokenizer, talk, None), render(tokenizer, talk, reply)
    assert trained.ids[: len(served.ids)] == served.ids
    assert trained.loss_mask == (False,) * len(served.ids) + (True,) * (len(trained.ids) - len(served.ids))


def test_the_hash_is_the_templates():
    assert template_hash(tiny_tokenizer()) == template_hash(tiny_tokenizer())
    assert template_hash(tiny_tokenizer()) != template_hash(tiny_tokenizer(NO_SYSTEM))
    assert len(template_hash(tiny_tokenizer())) == 16
