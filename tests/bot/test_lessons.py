"""What a turn is taught: by the request, by the settings, by what was measured; and that only approved examples are ever shown."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.backends.fake import FakeBackend
from bot.choices import Choice, Choices
from bot.errors import BadPrompt
from bot.examples import Pool
from bot.lessons import UNMEASURED, Teaching
from bot.messages import Example
from bot.versions import PromptVersions
from bot.wording import Wording, shipped
from tests.bot.turning import ASKED, ASKED_ZH, RETURNS, desk

GOOD = Example(
    "", "Within how many days can I return products?", "You have 30 days.", intent="return", state="approved", reasoning="It is 30."
)
MORE = (
    replace(GOOD, question="How many days are there for returning opened products?", answer="Still 30 days."),
    replace(GOOD, question="Can products be returned without a receipt?", answer="No.", reasoning=""),
)


def test_approved_examples_are_shown_as_exchanges_and_recorded(tmp_path: Path):
    model = FakeBackend((RETURNS,))
    with desk(tmp_path, model, direct=False, shots=2) as shop:
        Pool(shop.engine).add_all([GOOD, *MORE])
        answer = shop.ask(ASKED)
        prompt = model.asked[0][0]
        assert [message.role for message in prompt.messages] == ["system", "customer", "bot", "customer", "bot", "customer"]
        assert prompt.messages[-2].text == GOOD.answer  # the most fitting stands next to the question
        assert "The first 2 exchanges" in prompt.messages[0].text
        saved = shop.provenance(answer.reply)
        assert len(saved["examples"]) == 2
        assert saved["cot"] == "off"
        assert saved["prompt"] == answer.prompt_version


def test_what_is_not_approved_or_in_another_language_is_never_shown(tmp_path: Path):
    model = FakeBackend((RETURNS,))
    with desk(tmp_path, model, direct=False, shots=8) as shop:
        pool = Pool(shop.engine)
        pending = pool.propose(GOOD).example
        rejected = pool.add(MORE[0]).example
        pool.reject(rejected.id, "lead", "")
        pool.add(replace(GOOD, question="多少天内可以退货？", answer="30天。", language="zh"))
        shop.ask(ASKED)
        assert len(model.asked[-1][0].messages) == 2
        pool.approve(pending.id, "lead")
        shop.ask(ASKED)
        assert [message.text for message in model.asked[-1][0].messages[1:3]] == [GOOD.question, GOOD.answer]
        pool.reject(pending.id, "lead", "")
        shop.ask(ASKED)
        assert len(model.asked[-1][0].messages) == 2
        shop.ask(ASKED_ZH)
        assert model.asked[-1][0].messages[2].text == "30天。"


def test_a_request_has_its_way(tmp_path: Path):
    model = FakeBackend((RETURNS,))
    with desk(tmp_path, model, direct=False, shots=2, cot="off") as shop:
        Pool(shop.engine).add_all([GOOD, *MORE])
        shop.ask(ASKED, shots=0)
        assert len(model.asked[-1][0].messages) == 2
        shop.ask(ASKED, shots=1)
        assert len(model.asked[-1][0].messages) == 4
        shop.ask(ASKED, cot="zero", shots=1)
        prompt = model.asked[-1][0]
        assert len(prompt.messages) == 2
        assert prompt.reasoned
        assert GOOD.answer in prompt.messages[0].text
        assert "step by step" in prompt.messages[0].text


@pytest.mark.parametrize("cot", ["few", "auto"])
def test_reasoned_examples_show_how(tmp_path: Path, cot: str):
    model = FakeBackend((RETURNS,))
    with desk(tmp_path, model, direct=False, shots=3, cot=cot) as shop:
        shop.ask(ASKED)
        assert "step by step" in model.asked[-1][0].messages[0].text  # nobody to show it yet
        Pool(shop.engine).add_all([GOOD, *MORE])
        shop.ask(ASKED)
        shown = [message.text for message in model.asked[-1][0].messages if message.role == "bot"]
        assert len(shown) == 2
        assert all(text.startswith("<reasoning>It is 30.</reasoning>\n") for text in shown)
        assert model.asked[-1][1].max_tokens > model.asked[-1][0].messages.__len__()


def test_what_was_measured_is_used_where_it_was_and_a_default_elsewhere(tmp_path: Path):
    model = FakeBackend((RETURNS,))
    with desk(tmp_path, model, direct=False) as shop:
        questions = [
            f"Within how many days can products {verb}?" for verb in ("be returned", "be sent back", "arrive", "be paid", "be mended")
        ]
        Pool(shop.engine).add_all([replace(GOOD, question=question, answer=f"Answer {n}.") for n, question in enumerate(questions)])
        shop.ask(ASKED)
        assert len(model.asked[-1][0].messages) == 2 + 2 * UNMEASURED
        Choices(shop.engine).replace((Choice("en", "", 0), Choice("en", "return", 1, "zero", 0.2), Choice("zh", "", 0)))
        shop.ask(ASKED)
        assert len([line for line in model.asked[-1][0].messages[0].text.splitlines() if line.startswith("Answer: ")]) == 1
        assert model.asked[-1][0].reasoned
        Choices(shop.engine).replace((Choice("en", "", 0),))
        shop.ask(ASKED)
        assert len(model.asked[-1][0].messages) == 2
        assert [choice.language for choice in Choices(shop.engine).all()] == ["en", "zh"]


def test_the_newest_wording_is_used_at_the_next_turn(tmp_path: Path):
    model = FakeBackend((RETURNS,))
    with desk(tmp_path, model, direct=False) as shop:
        made = PromptVersions(shop.engine).add(Wording("Be brief. ${passages}", "Asked: ${question}"), "lead")
        answer = shop.ask(ASKED)
        assert answer.prompt_version == made.id
        assert model.asked[-1][0].messages[-1].text == f"Asked: {ASKED}"
        assert shop.router.answer_from(ASKED, prompt="0").prompt_version == shipped("en").id
        with pytest.raises(BadPrompt, match="'7'"):
            shop.router.answer_from(ASKED, prompt="7")


@pytest.mark.parametrize("wrong", [{"shots": -1}, {"shots": 65}, {"shots": "many"}, {"shots": True}, {"cot": "on"}])
def test_what_cannot_be_set_is_refused(wrong: dict[str, object]):
    with pytest.raises(ValueError, match="allowed"):
        Teaching(**wrong)
