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

_CONFIG, _WEIGHTS = "bottleneck.json", "bottleneck.safetensors"
_SUBLAYERS = ("self_attn", "attn", "attention", "mlp", "feed_forward")


def attach_bottleneck(model: Any, width: int, dropout: float = 0.0) -> Any:
    """Put untrained adapters of `width` on the model, trainable, and return them as a ModuleDict; the model keeps it as `bottleneck`.

    Raises `BackendRejected` for a model whose sublayers have other names.
    """
    import torch
    from torch import nn

    if hasattr(model, "bottleneck"):
        raise BackendRejected("the model has bottleneck adapters already; detach them first")
    found = [(name, layer) for name, layer in model.named_modules() if name.rpartition(".")[2] in _SUBLAYERS]
    if not found:
        raise BackendRejected(f"bottleneck adapters need sublayers called {', '.join(_SUBLAYERS)}; this model has none: use qlora")
    size = model.config.get_text_config().hidden_size
    blocks, hooks = nn.ModuleDict(), []
    for name, layer in found:
        like = next(layer.parameters())
        with torch.device(like.device):
            block = nn.Sequential(nn.Dropout(dropout), nn.Linear(size, width), nn.GELU(), nn.Linear(width, size))
        nn.init.normal_(block[1].weight, std=0.02)
        for zero in (block[1].bias, block[3].weight, block[3].bias):
            nn.init.zeros_(zero)
        blocks[name.replace(".", "/")] = block
        hooks.append(layer.register_forward_hook(_adding(block)))
    model.bottleneck = blocks
    model.bottleneck_hooks = hooks
    return blocks


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
    return (thing / _CONFIG).is_file() if isinstance(thing, Path) else hasattr(thing, "bottleneck")


def save_bottleneck(model: Any, folder: Path) -> None:
    """Write the model's adapters into `folder`, which is made."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    blocks = model.bottleneck
    width = next(iter(blocks.values()))[1].out_features
    save_file({name: weight.detach().contiguous() for name, weight in blocks.state_dict().items()}, folder / _WEIGHTS)
    (folder / _CONFIG).write_text(json.dumps({"width": width}), encoding="utf-8")


def load_bottleneck(model: Any, folder: Path) -> Any:
    """Put the adapters in `folder` on the model, not trainable, and return them. Raises `BackendRejected` when they do not fit it."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        width = int(json.loads((folder / _CONFIG).read_text(encoding="utf-8"))["width"])
        weights = load_file(folder / _WEIGHTS)
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
