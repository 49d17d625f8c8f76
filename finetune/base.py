"""The base model that a run tunes: opened with its tokenizer, in 4 bits where asked, and known by the hash of its files."""

from dataclasses import dataclass
from typing import Any

from bot import causal
from bot.causal import base_hash, keep_autograd, meta_model, odd_layers, open_causal, quiet, source
from bot.errors import BackendRejected
from finetune.errors import BaseUnusable

__all__ = ["Base", "base_hash", "keep_autograd", "meta_model", "odd_layers", "open_base", "quiet", "source", "unusable"]


@dataclass(frozen=True, slots=True)
class Base:
    """An opened base. sha256: of its configuration and weights. notes: what of the request could not be done, for people."""

    model: Any
    tokenizer: Any
    sha256: str
    notes: tuple[str, ...] = ()


def open_base(name: str, four_bit: bool, device: str = "cpu", whole: bool = False) -> Base:
    """Open the folder or hub name `name` for training on `device` (cpu, cuda). Raises `BaseUnusable`.

    whole: every weight will be trained. Weights are float32 then, and on a CPU; else bfloat16, in half the memory.
    """
    import torch

    dtype = torch.float32 if whole or device == "cpu" else torch.bfloat16
    try:
        opened = open_causal(name, four_bit=four_bit, device=device, dtype=dtype)
    except BackendRejected as error:
        raise BaseUnusable(str(error)) from error
    opened.model.config.use_cache = False
    return Base(opened.model, opened.tokenizer, base_hash(name, opened.model), opened.notes)


def unusable(name: str, error: Exception) -> BaseUnusable:
    """`error` of a loader, for people."""
    return BaseUnusable(str(causal.unusable(name, error)))
