"""A small model that learns in its context, behind a real OpenAI-compatible server: it answers from the passages it is given, in the
manner of the answers it was shown, and reasons where it is told to."""

import re
from typing import Any

from tests.stub_openai import Reply

_WORD = re.compile(r"[a-z0-9]+|[\u4e00-\u9fff]")
_VALUE = re.compile(r"\$?\d[\d.,]*\s?(?:%|[a-z]+|[\u4e00-\u9fff])?", re.IGNORECASE)


def in_context(body: dict[str, Any]) -> Reply:
    """What the model says to a chat-completions request.

    Without examples it wraps the sentence in politeness. Shown short answers, it answers shortly: with the sentence's figure.
    """
    system, *turns = [str(message["content"]) for message in body["messages"]]
    question = turns[-1]
    shown = [str(m["content"]) for m in body["messages"] if m["role"] == "assistant"] + re.findall(r"(?m)^(?:Answer|回答): (.*)$", system)
    sentences = [part for line in _passages(system) for part in re.split(r"(?<=[.!?。！？])\s*", line) if part.strip()]
    asked = set(_WORD.findall(question.lower()))
    found = max(sentences, key=lambda sentence: len(asked & set(_WORD.findall(sentence.lower()))), default="I do not know.")
    answer = f"Thank you so much for getting in touch with us today! {found} Please let us know whether there is anything else we can do."
    if shown and sum(len(re.sub(r"(?s)<reasoning>.*</reasoning>", "", text).split()) for text in shown) / len(shown) <= 4:
        value = _VALUE.search(found)
        answer = value[0].strip() if value else found
    if "<reasoning>" in system:
        answer = f"<reasoning>The passage says: {found}</reasoning>\n{answer}"
    return Reply(tuple(answer[start : start + 7] for start in range(0, len(answer), 7)))


def _passages(system: str) -> list[str]:
    block = re.search(r"(?s)<(?:passages|资料)>\n(.*?)</(?:passages|资料)>", system)
    return [re.sub(r"^\[\d+\] ", "", line) for line in (block[1] if block else "").splitlines()]
