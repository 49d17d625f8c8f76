"""Examples -> rows to learn from and cases to be judged by, both as a turn would have had them: same prompt, same passages."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

from bot import prompts
from bot.messages import Example, Message, Parts, Prompt
from finetune.conversations import Conversation
from finetune.rows import Row
from finetune.starter_talk import dialogues
from knowledge.documents import Language, Passage
from knowledge.language import detect

HISTORY = 6  # earlier lines that a row holds: as many as matter, and few enough for a small window
REFUSALS = 0.08  # of the rows: questions whose answer is in no passage, answered as the bot answers them
HANDOVERS = 0.02  # of the rows: wishes for a person
REPLAY = 0.5  # of the service rows: as many general ones, against forgetting; with .15 and .3 a small base forgot more than the gate allows

Find = Callable[[str, Language, Sequence[Message]], Sequence[Passage]]
"""The passages that retrieval finds for a question after these earlier lines, best first."""

_PERSON: dict[Language, tuple[str, ...]] = {
    "en": ("I want to talk to a person.", "Can I speak to a human, please?", "Please connect me with an agent.", "Is there a real person?"),
    "zh": ("我要找人工客服。", "请帮我转人工。", "能让真人来吗？", "我想和客服人员说话。"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One exchange. parts: what the turn would have to go on. expected: what the agent said, or the bot has to say.

    messages: the whole prompt, where it is not made from the parts. kind: `service` from transcripts; `refusal`, where the evidence holds
    no answer; `handover`, a wish for a person; `general`, from invented shops, to notice forgetting.
    """

    id: str
    conversation: str
    language: Language
    parts: Parts
    expected: str
    kind: str = "service"
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Voice:
    """How the prompt is written: what `bot.prompts.build` needs besides its parts."""

    shop: str = ""
    today: date = date(2026, 1, 5)
    contact: str = ""


def nothing_found(_question: str, _language: Language, _history: Sequence[Message]) -> Sequence[Passage]:
    """A shop without documents."""
    return ()


def cases(examples: Iterable[Example], conversations: Mapping[str, Conversation], find: Find = nothing_found) -> list[Case]:
    """Each example with what was said before it, where its conversation is known, and with the passages found for it."""
    made = []
    for example in examples:
        history = _before(example, conversations.get(example.conversation))
        passages = tuple(find(example.question, example.language, history))
        parts = Parts(example.question, passages, history=history)
        made.append(Case(example.id, example.conversation or example.id, example.language, parts, example.answer))
    return made


def _before(example: Example, conversation: Conversation | None) -> tuple[Message, ...]:
    """The lines before an example's question; its id ends in the place of the agent's reply."""
    place = example.id.rpartition("-")[2]
    if conversation is None or not place.isdigit():
        return ()
    lines = conversation.turns[: int(place)]
    end = len(lines)
    while end and lines[end - 1].role == "customer":
        end -= 1
    return tuple(line for line in lines[:end] if line.role in ("customer", "agent", "bot") and line.text)[-HISTORY:]


def prompt_of(case: Case, voice: Voice, examples: Sequence[Example] = ()) -> Prompt:
    """The prompt that a backend would be asked with; examples: shots, the most fitting first."""
    if case.messages:
        return Prompt(case.messages, case.parts.question, case.parts.passages, case.language)
    return prompts.build(replace(case.parts, examples=tuple(examples)), language=case.language, shop=voice.shop, today=voice.today)


def row_of(case: Case, voice: Voice) -> Row:
    """What is learned from: the very messages that serving sends, and the reply."""
    return Row(case.id, prompt_of(case, voice).messages, case.expected, case.language, case.conversation)


def training_rows(service: Sequence[Case], voice: Voice, seed: int = 0) -> list[Row]:
    """Rows of `service` cases, with refusals, hand-overs and general rows among them, shuffled."""
    draw = random.Random(f"rows-{seed}")
    rows = [row_of(case, voice) for case in service]
    refused = refusals(service, voice, round(len(rows) * REFUSALS), seed)
    asked = handovers(service, voice, round(len(rows) * HANDOVERS), seed)
    rows += [row_of(case, voice) for case in (*refused, *asked)]
    rows += [row_of(case, voice) for case in general(seed, "train", round(len(service) * REPLAY))]
    draw.shuffle(rows)
    return rows


def refusals(service: Sequence[Case], voice: Voice, count: int, seed: int) -> list[Case]:
    """Questions about invented products, put to this shop's own passages: the bot's own words of not knowing."""
    draw = random.Random(f"refusals-{seed}")
    made = []
    for number, talk in enumerate(islice(dialogues(seed + 101, "train", 1), count)):
        question = talk.messages[-2].text
        language = _language(question)
        near = [case for case in service if case.parts.passages and case.language == language]
        passages = draw.choice(near).parts.passages if near else ()
        reply = prompts.texts(language).reply("dont_know", shop=voice.shop, contact=voice.contact)
        made.append(Case(f"refusal-{seed}-{number}", f"refusal-{seed}-{number}", language, Parts(question, passages), reply, "refusal"))
    return made


def handovers(service: Sequence[Case], voice: Voice, count: int, seed: int) -> list[Case]:
    """Wishes for a person, in the middle of conversations of this shop, and the bot's own reply to them."""
    draw = random.Random(f"handovers-{seed}")
    made = []
    for number in range(count if service else 0):
        case = draw.choice(service)
        language: Language = "zh" if case.language == "zh" else "en"
        parts = Parts(draw.choice(_PERSON[language]), case.parts.passages, history=case.parts.history)
        reply = prompts.texts(language).reply("handover", shop=voice.shop, contact=voice.contact)
        made.append(Case(f"handover-{seed}-{number}", f"handover-{seed}-{number}", language, parts, reply, "handover"))
    return made


def general(seed: int, part: str, count: int) -> list[Case]:
    """Grounded questions about invented products in both languages, answered from their pages, some of them unanswerable.

    part: `train` to be replayed, `test`, in other wordings about other products, to measure what was forgotten.
    """
    made = []
    for number, talk in enumerate(islice(dialogues(seed + 202, "test" if part == "test" else "train", 1), count)):
        kind = "refusal" if talk.values[-1] is None else "general"
        name, question, reply = f"{part}-{seed}-{number}", talk.messages[-2].text, talk.messages[-1].text
        made.append(Case(name, name, _language(question), Parts(question), reply, kind, talk.messages[:-1]))
    return made


def _language(text: str) -> Language:
    return "zh" if detect(text) == "zh" else "en"
