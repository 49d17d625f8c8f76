"""A model as it answers: opened, with its adapters' rack, its window, and the tokens that end a reply."""

import logging
from dataclasses import dataclass
from typing import Any

from bot.causal import Opened, base_hash, open_causal
from bot.messages import Message
from bot.rack import Rack
from bot.render import render

logger = logging.getLogger(__name__)

_PROBE = (Message("customer", "1, 2, 3 好"),)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model that answers. window: prompt and reply together, in tokens. ends: tokens that end a reply. sha256: of the base.

    rack: its adapters.
    """

    model: Any
    tokenizer: Any
    window: int
    ends: frozenset[int]
    sha256: str
    rack: Rack


def open_loaded(name: str, *, four_bit: bool, window: int | None, called: str) -> Loaded:
    """Open a folder or hub name where there is a GPU on that. window: less than the model's own. called: in the log.

    Raises `BackendRejected`.
    """
    import torch

    opened: Opened = open_causal(name, four_bit=four_bit, device="cuda" if torch.cuda.is_available() else "cpu")
    for note in opened.notes:
        logger.warning("%s: %s", called, note)
    window = min(window or 10**9, int(opened.model.config.get_text_config().max_position_embeddings))
    rack = Rack(opened.model, opened.tokenizer.pad_token_id, render(opened.tokenizer, _PROBE, None).ids)
    return Loaded(opened.model, opened.tokenizer, window, _ends(opened), base_hash(name, opened.model), rack)


def _ends(opened: Opened) -> frozenset[int]:
    """The tokens that end a reply: what the model's makers say, and what the chat template sets behind one."""
    written = opened.model.generation_config.eos_token_id
    said = written if isinstance(written, list) else [written]
    trained = render(opened.tokenizer, (Message("customer", "-"),), "-").ids[-1]
    return frozenset(token for token in (*said, opened.tokenizer.eos_token_id, trained) if token is not None)
