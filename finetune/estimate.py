"""What a run will take, before it begins: memory from the model's shape, time from one layer of that shape, tried on this machine."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from finetune.base import meta_model, quiet, source, unusable
from finetune.batches import Lessons
from finetune.config import TrainConfig
from finetune.methods import attach, counts
from finetune.rows import Row
from finetune.schedule import plan

_NF4_BYTES = 0.5 + 0.127 / 8  # a 4-bit weight, with its share of the doubly quantized scales (Dettmers et al. 2023)
_ADAM_BYTES = 4 + 4 + 8  # a trained weight: itself, its gradient, two moments, all in float32
_PROBE_TOKENS = 256
_BESIDES = 1.5  # what is not a matrix product takes half as long again: norms, attention, dropout, the adapter's own small products
_RUNTIME_BYTES = 600 * 2**20  # Python with torch and transformers loaded


@dataclass(frozen=True, slots=True)
class Estimate:
    """memory_bytes: the peak, of which weights, training (trained weights, gradients, optimizer) and activations are parts.

    available_bytes: free on the device now. tokens: that go through the model in the whole run, padding not counted.
    """

    parameters: int
    trainable: int
    trainable_share: float
    weights_bytes: int
    training_bytes: int
    activation_bytes: int
    memory_bytes: int
    available_bytes: int
    fits: bool
    steps: int
    tokens: int
    seconds: float
    device: str


def lengths(config: TrainConfig, rows: Sequence[Row], validation: Sequence[Row]) -> tuple[list[int], int]:
    """The lengths in tokens of the rows that fit, and the tokens of all validation rows that do. Raises `BaseUnusable`."""
    from transformers import AutoTokenizer

    quiet()
    try:
        tokenizer = AutoTokenizer.from_pretrained(config.base, **source(config.base))
    except (OSError, ValueError, KeyError) as error:
        raise unusable(config.base, error) from error
    found, held = (Lessons(tokenizer, some, config).plain for some in (rows, validation))
    return [len(row.ids) for row in found], sum(len(row.ids) for row in held)


def estimate(config: TrainConfig, lengths: Sequence[int], validation_tokens: int = 0) -> Estimate:
    """lengths: of the rows in tokens. config.base: a folder or a hub name whose configuration can be read.

    The time is what one layer, forward and backward, takes on this device now, times the layers and the tokens; early stopping is not
    counted in. Raises `BadConfig` for targets that the model does not have.
    """
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = meta_model(config.base)
    shape = model.config.get_text_config()
    linear = sum(layer.weight.numel() for layer in model.get_decoder().modules() if isinstance(layer, torch.nn.Linear))
    total = sum(weight.numel() for weight in model.parameters())
    with torch.device("meta"):
        trainable, _ = counts(attach(model, config, 100))
    width = 4 if device == "cpu" or config.method == "full" else 2
    held = linear * _NF4_BYTES + (total - linear) * width if config.four_bit else total * width
    training = trainable * (_ADAM_BYTES - (4 if config.method == "full" else 0))
    steps = plan(config, len(lengths)).steps
    mean = sum(min(length, config.max_length) for length in lengths) / max(len(lengths), 1)
    longest = config.batch * min(max(lengths, default=0), config.max_length)
    activations = _activations(shape, longest, width, config.checkpointing)
    memory = int(held + training + activations + (_RUNTIME_BYTES if device == "cpu" else 0))
    tokens = int(steps * config.batch * config.accumulation * mean)
    looked_at = validation_tokens * config.evaluations / 3  # forward alone, a third of the work
    seconds = (tokens * (4 / 3 if config.checkpointing else 1) + looked_at) * seconds_per_token(shape, device, config.method == "full")
    free = available(device)
    return Estimate(
        parameters=total,
        trainable=trainable,
        trainable_share=trainable / (total if config.method == "full" else total + trainable),
        weights_bytes=int(held),
        training_bytes=int(training),
        activation_bytes=int(activations),
        memory_bytes=memory,
        available_bytes=free,
        fits=memory <= free,
        steps=steps,
        tokens=tokens,
        seconds=seconds,
        device=device,
    )


def _activations(shape: Any, tokens: int, width: int, checkpointing: bool) -> float:
    """Bytes kept for the backward pass: what the linear layers, norms and the activation of each layer were given, and the logits."""
    layer = tokens * width * (10 * shape.hidden_size + 4 * shape.intermediate_size)
    layers = tokens * width * shape.hidden_size * shape.num_hidden_layers + layer if checkpointing else layer * shape.num_hidden_layers
    return float(layers + tokens * shape.vocab_size * (width + 4 + 4))


def seconds_per_token(shape: Any, device: str, full: bool) -> float:
    """Measured: matrix products of the size of one layer's, forward and backward, and the share of the head."""
    import torch

    h, i = shape.hidden_size, shape.intermediate_size
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    inputs = torch.randn(_PROBE_TOKENS, h, device=device, dtype=dtype, requires_grad=True)
    weights = [torch.randn(size, h, device=device, dtype=dtype, requires_grad=full) for size in (h, h, h, h, i, i, i)]

    def layer() -> None:
        sum((inputs @ weight.T).square().mean() for weight in weights).backward()
        if device == "cuda":
            torch.cuda.synchronize()

    layer()
    started = time.perf_counter()
    rounds = 0
    while rounds < 3 or time.perf_counter() - started < 0.2:
        layer()
        rounds += 1
        if time.perf_counter() - started > 3:
            break
    one = (time.perf_counter() - started) / rounds / _PROBE_TOKENS
    head = shape.vocab_size * h / (4 * h * h + 3 * h * i)  # in layers
    return float(_BESIDES * one * (shape.num_hidden_layers + head))


def available(device: str) -> int:
    """Bytes free on the device."""
    if device == "cuda":
        import torch

        return int(torch.cuda.mem_get_info()[0])
    try:
        with open("/proc/meminfo", encoding="ascii") as file:  # noqa: PTH123
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")


def in_words(found: Estimate) -> str:
    """For people."""
    size = found.memory_bytes / 2**30
    minutes = found.seconds / 60
    duration = f"{minutes:.0f} minutes" if minutes >= 2 else f"{found.seconds:.0f} seconds"
    fits = (
        "" if found.fits else f", but only {found.available_bytes / 2**30:.1f} GB are free: use four_bit, a smaller batch or checkpointing"
    )
    return (
        f"about {size:.1f} GB of memory on the {found.device}{fits}; about {duration} for {found.steps} steps; "
        f"{found.trainable:,} of {found.parameters:,} weights are trained ({found.trainable_share:.2%})"
    )
