"""Messages into the tokens of one model, by the chat template of its tokenizer: the only renderer, for training and for serving alike.

A training row begins with the very tokens that serving would send, and ends with the reply as the model is to write it:

    prompt (no loss) + reply (loss) + the template's end of a turn (loss)
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

from jinja2 import TemplateError

from bot.errors import BackendRejected
from bot.messages import Message

VERSION = 1  # to be raised when the same messages come out as other tokens
_ROLES = {"customer": "user", "agent": "assistant", "bot": "assistant", "system": "system", "action": "user"}
_PROBE = "7f3a"  # a reply that stands nowhere in a template

Line = dict[str, str]


class Tokenizer(Protocol):
    """What the renderer needs of a transformers tokenizer."""

    eos_token_id: int | None
    added_tokens_decoder: Mapping[int, Any]

    def __call__(self, text: str, /, **options: Any) -> Mapping[str, Any]: ...

    def apply_chat_template(self, conversation: list[Line], /, **options: Any) -> Any: ...

    def get_chat_template(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Rendered:
    """ids: token ids. loss_mask: as long, True where a training loss counts. text: what the ids stand for."""

    ids: tuple[int, ...]
    loss_mask: tuple[bool, ...]
    text: str


def render(tokenizer: Tokenizer, messages: Sequence[Message], reply: str | None) -> Rendered:
    """The conversation up to where the model is to speak, and with `reply` what it should have said there.

    Messages of one side in a row are one turn, with a line break between them. An `action` line, something done rather than said, stands
    in square brackets on the customer's side. Control tokens that somebody wrote are broken up: nobody speaks for another.
    Raises `BackendRejected` when the tokenizer has no chat template or its template refuses the conversation.
    """
    controls = _controls(tokenizer)
    text = _prompt(tokenizer, [{**line, "content": _inert(line["content"], controls)} for line in _turns(messages)])
    prompt = _ids(tokenizer, text)
    if reply is None:
        return Rendered(prompt, (False,) * len(prompt), text)
    said = _inert(reply.strip(), controls)
    end, end_text = _end(tokenizer)
    spoken = (*_ids(tokenizer, said), *end)
    return Rendered(prompt + spoken, (False,) * len(prompt) + (True,) * len(spoken), text + said + end_text)


def template_hash(tokenizer: Tokenizer) -> str:
    """Sixteen hex digits that change when the same messages would come out as other text: an adapter's record holds them."""
    parts = [VERSION, _template(tokenizer), _end(tokenizer)[1], _controls(tokenizer)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _turns(messages: Sequence[Message]) -> list[Line]:
    """One system turn first, where there is any, then the two sides in turn: many templates refuse anything else."""
    said = [(_ROLES[line.role], f"[{line.text}]" if line.role == "action" else line.text) for line in messages if line.text.strip()]
    ordered = sorted(said, key=lambda line: line[0] != "system")
    runs = groupby(ordered, key=lambda line: line[0])
    return [{"role": role, "content": "\n".join(text for _, text in run)} for role, run in runs]


def _prompt(tokenizer: Tokenizer, turns: list[Line]) -> str:
    """Through the template; for one that knows no system turn, or wants the customer to begin, in the shape it takes."""
    try:
        return _applied(tokenizer, turns, add_generation_prompt=True)
    except TemplateError as error:
        try:
            return _applied(tokenizer, _two_sided(turns), add_generation_prompt=True)
        except TemplateError:
            raise BackendRejected(f"the model's chat template refuses the conversation: {error}; choose another model") from None


def _two_sided(turns: list[Line]) -> list[Line]:
    """Without a system turn, its text before the customer's first; without what the bot said before the customer said anything."""
    system = [line["content"] for line in turns if line["role"] == "system"]
    first = next((place for place, line in enumerate(turns) if line["role"] == "user"), len(turns))
    opening = "\n\n".join([*system, *(line["content"] for line in turns[first : first + 1])])
    return [{"role": "user", "content": opening}, *turns[first + 1 :]]


def _end(tokenizer: Tokenizer) -> tuple[tuple[int, ...], str]:
    """What ends a reply: the token that the template sets behind one, else the tokenizer's own end token; as ids and as text."""
    try:
        whole = _applied(tokenizer, [{"role": "user", "content": "-"}, {"role": "assistant", "content": _PROBE}])
    except TemplateError:
        whole = ""
    behind = whole.rpartition(_PROBE)[2].lstrip()
    known = tokenizer.added_tokens_decoder
    if behind and (first := _ids(tokenizer, behind)[:1]) and first[0] in known:
        return first, str(known[first[0]])
    if tokenizer.eos_token_id is None:
        return (), ""
    return (tokenizer.eos_token_id,), str(known.get(tokenizer.eos_token_id, ""))


def _applied(tokenizer: Tokenizer, turns: list[Line], **options: bool) -> str:
    _template(tokenizer)
    return str(tokenizer.apply_chat_template(turns, tokenize=False, enable_thinking=False, **options))


def _template(tokenizer: Tokenizer) -> str:
    try:
        return tokenizer.get_chat_template()
    except ValueError:
        raise BackendRejected(
            "the model's tokenizer has no chat template; choose a model that was made for chat (often named -Instruct)"
        ) from None


def _ids(tokenizer: Tokenizer, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


def _controls(tokenizer: Tokenizer) -> list[str]:
    """The tokens that steer the model and are nobody's words, longest first. (Runs of blanks are added tokens too, in some models.)"""
    added = tokenizer.added_tokens_decoder.values()
    steering = {str(token) for token in added if token.special or re.fullmatch(r"<.+>|\[.+\]", str(token))}
    return sorted((token for token in steering if len(token) > 1), key=lambda token: (-len(token), token))


def _inert(text: str, controls: Sequence[str]) -> str:
    """`text` with a blank inside every control token."""
    if not controls:
        return text
    return re.sub("|".join(map(re.escape, controls)), lambda found: f"{found[0][0]} {found[0][1:]}", text)
