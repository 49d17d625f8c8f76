"""Bottleneck adapters (Houlsby et al. 2019): a narrow residual layer behind every attention and feed-forward sublayer.

    out = sublayer(x);  out + up(gelu(down(out)))

They sit on forward hooks, so that the model's own layers, in 4 bits or not, stay as they are. `up` starts at zero: a new adapter changes
nothing. The folder holds `bottleneck.json` and `bottleneck.safetensors`.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.errors import BackendRejected

CONFIG, WEIGHTS = "bottleneck.json", "bottleneck.safetensors"
_SUBLAYERS = ("self_attn", "attn", "attention", "mlp", "feed_forward")


def attach_bottleneck(model: Any, width: int, dropout: float = 0.0) -> Any:
    """Put untrained adapters of `width` on the model, trainable, and return them as a ModuleDict; the model keeps it as `bottleneck`.

    Raises `BackendRejected` for a model whose sublayers have other names.
    """
    from torch import nn

    if hasattr(model, "bottleneck"):
        raise BackendRejected("the model has bottleneck adapters already; detach them first")
    blocks = new_blocks(model, width, dropout, next(model.parameters()).device)
    for block in blocks.values():
        nn.init.normal_(block[1].weight, std=0.02)
        for zero in (block[1].bias, block[3].weight, block[3].bias):
            nn.init.zeros_(zero)
    model.bottleneck = blocks
    model.bottleneck_hooks = hook_blocks(model, blocks)
    return blocks


def new_blocks(model: Any, width: int, dropout: float, device: Any) -> Any:
    """A ModuleDict with a block for every sublayer of the model, of any weights, beside the model. Raises `BackendRejected`."""
    import torch
    from torch import nn

    names = [name for name, _ in model.named_modules() if name.rpartition(".")[2] in _SUBLAYERS]
    if not names:
        raise BackendRejected(f"bottleneck adapters need sublayers called {', '.join(_SUBLAYERS)}; this model has none: use qlora")
    size = model.config.get_text_config().hidden_size
    with torch.device(device):
        blocks = [nn.Sequential(nn.Dropout(dropout), nn.Linear(size, width), nn.GELU(), nn.Linear(width, size)) for _ in names]
    return nn.ModuleDict({name.replace(".", "/"): block for name, block in zip(names, blocks, strict=True)})


def hook_blocks(model: Any, blocks: Any) -> list[Any]:
    """Have the blocks work behind their sublayers until the hooks, which are returned, are removed."""
    return [model.get_submodule(name.replace("/", ".")).register_forward_hook(_adding(block)) for name, block in blocks.items()]


def _adding(block: Any) -> Callable[[Any, Any, Any], Any]:
    def hook(_layer: Any, _inputs: Any, output: Any) -> Any:
        first = output[0] if isinstance(output, tuple) else output
        added = first + block(first.to(block[1].weight.dtype)).to(first.dtype)
        return (added, *output[1:]) if isinstance(output, tuple) else added

    return hook


def detach_bottleneck(model: Any) -> None:
    """Leave the base as it was."""
    for hook in model.bottleneck_hooks:
        hook.remove()
    del model.bottleneck, model.bottleneck_hooks


def is_bottleneck(thing: Any) -> bool:
    """Whether a model has such adapters on it, or a folder holds them."""
    return (thing / CONFIG).is_file() if isinstance(thing, Path) else hasattr(thing, "bottleneck")


def save_bottleneck(model: Any, folder: Path) -> None:
    """Write the model's adapters into `folder`, which is made."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    blocks = model.bottleneck
    width = next(iter(blocks.values()))[1].out_features
    save_file({name: weight.detach().contiguous() for name, weight in blocks.state_dict().items()}, folder / WEIGHTS)
    (folder / CONFIG).write_text(json.dumps({"width": width}), encoding="utf-8")


def load_bottleneck(model: Any, folder: Path) -> Any:
    """Put the adapters in `folder` on the model, not trainable, and return them. Raises `BackendRejected` when they do not fit it."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        width = int(json.loads((folder / CONFIG).read_text(encoding="utf-8"))["width"])
        weights = load_file(folder / WEIGHTS)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise BackendRejected(f"the adapter in {folder} cannot be read: {error}; train it again") from None
    blocks = attach_bottleneck(model, width)
    try:
        blocks.load_state_dict(weights)
    except RuntimeError as error:
        detach_bottleneck(model)
        raise BackendRejected(f"the adapter in {folder} was made for another model: {str(error).splitlines()[0]}") from None
    blocks.requires_grad_(False)
    blocks.eval()
    return blocks
