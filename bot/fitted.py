"""How each kind of adapter lies on a base that it shares with others, so that switching takes no longer than naming another.

LoRA (DoRA, rsLoRA and AdaLoRA too): layers of peft's inside the model, of which one adapter is switched on. IA3 and bottleneck adapters:
hooks on the model's own layers, there while they are switched on. peft would wrap IA3 and LoRA around each other, and a wrapped layer has
another name; a hook lies on the layer itself and knows no other. Prompt and prefix tuning: tensors that a batch begins with
(`generation.Before`). Nothing of this copies the base or changes its weights. Only a fully tuned model has a base of its own (`bot.whole`).
"""

import re
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol

from bot.adapters import Read, Weights
from bot.bottleneck import hook_blocks, new_blocks
from bot.generation import Before

_SMALLEST = 1e-6  # of a row's norm that DoRA divides by
_PROMPTS = "prompt_embeddings"


class Fitted(Protocol):
    """An adapter on a model, switched off at first."""

    before: Before | None

    def switch(self, on: bool) -> None:
        """Have the model work with it, or as if it were not there."""

    def remove(self) -> None:
        """Take it off; it is switched off."""


def fit(model: Any, read: Read) -> Fitted:
    """Lay the adapter on the model. Raises `ValueError` when its tensors are not exactly those that this model asks for.

    No adapter may be switched on. Whatever is raised, the model is as it was before.
    """
    if isinstance(read.config, int):
        return _Hooked(_blocks(model, read))
    kinds: dict[str, Callable[[Any, Read], Fitted]] = {"LORA": _LowRank, "IA3": _scaled, "PROMPT_TUNING": _Soft, "PREFIX_TUNING": _Soft}
    return kinds[read.config.peft_type.value](model, read)


class _LowRank:
    before: Before | None = None

    def __init__(self, model: Any, read: Read) -> None:
        from peft import inject_adapter_in_model
        from peft.utils import get_peft_model_state_dict, set_peft_model_state_dict

        self._model, self._key = model, read.key
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Already found a `peft_config`")  # a second adapter is what is wanted
                inject_adapter_in_model(read.config, model, adapter_name=self._key)
            _same(read.weights, get_peft_model_state_dict(model, adapter_name=self._key))
            set_peft_model_state_dict(model, read.weights, adapter_name=self._key)
        except Exception:
            self.remove()
            raise
        steady(model)
        _off(model)
        self._layers = [layer for layer in _lora_layers(model) if self._key in layer.lora_A]

    def switch(self, on: bool) -> None:
        for layer in self._layers:
            layer.enable_adapters(on)
            if on:
                layer.set_adapter(self._key, inference_mode=True)

    def remove(self) -> None:
        for layer in _lora_layers(self._model):
            layer.delete_adapter(self._key)
        getattr(self._model, "peft_config", {}).pop(self._key, None)
        _off(self._model)


class _Hooked:
    """hook: puts the hooks on and returns them."""

    before: Before | None = None

    def __init__(self, hook: Callable[[], list[Any]]) -> None:
        self._hook = hook
        self._hooks: list[Any] = []

    def switch(self, on: bool) -> None:
        self.remove()
        if on:
            self._hooks = self._hook()

    def remove(self) -> None:
        while self._hooks:
            self._hooks.pop().remove()


class _Soft:
    """Prompt tuning or prefix tuning: one tensor, of a row for each trained token."""

    def __init__(self, model: Any, read: Read) -> None:
        shape = model.config.get_text_config()
        self.before: Before | None
        rows, heads = int(read.config.num_virtual_tokens), getattr(shape, "num_key_value_heads", None) or shape.num_attention_heads
        wide = getattr(shape, "head_dim", None) or shape.hidden_size // shape.num_attention_heads
        layers = shape.num_hidden_layers
        prefix = read.config.peft_type.value == "PREFIX_TUNING"
        _same(read.weights, {_PROMPTS: _Shape(rows, layers * 2 * heads * wide if prefix else shape.hidden_size)})
        found = read.weights[_PROMPTS].to(model.device)
        if not prefix:
            self.before = Before(rows, tokens=found)
            return
        parts = found.to(model.dtype).view(rows, layers * 2, heads, wide).permute(1, 2, 0, 3)
        self.before = Before(rows, cache=tuple((parts[2 * at], parts[2 * at + 1]) for at in range(layers)))

    def switch(self, on: bool) -> None:
        pass

    def remove(self) -> None:
        pass


def _scaled(model: Any, read: Read) -> Fitted:
    """IA3: what a layer puts out is multiplied by a trained vector, or what it takes in where it belongs to the feed-forward part."""
    from peft.tuners.tuners_utils import check_target_module_exists

    layers = {name: layer for name, layer in _linear(model) if check_target_module_exists(read.config, name)}
    inner = {name for name in layers if _named(read.config.feedforward_modules, name)}
    wanted = {
        f"{name}.ia3_l": _Shape(1, layer.in_features) if name in inner else _Shape(layer.out_features, 1) for name, layer in layers.items()
    }
    _same(read.weights, wanted)
    scales = {name: read.weights[f"{name}.ia3_l"].flatten().to(model.device) for name in layers}

    def hook() -> list[Any]:
        return [
            layer.register_forward_pre_hook(partial(_scale_in, scales[name]))
            if name in inner
            else layer.register_forward_hook(partial(_scale_out, scales[name]))
            for name, layer in layers.items()
        ]

    return _Hooked(hook)


def _scale_in(scale: Any, _layer: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return ((inputs[0].to(scale.dtype) * scale).to(inputs[0].dtype), *inputs[1:])


def _scale_out(scale: Any, _layer: Any, _inputs: Any, output: Any) -> Any:
    return (output * scale).to(output.dtype)


def _blocks(model: Any, read: Read) -> Callable[[], list[Any]]:
    blocks = new_blocks(model, read.config, 0.0, "meta")  # of no size before it is known to be that of the tensors
    _same(read.weights, blocks.state_dict())
    blocks.load_state_dict({name: tensor.to(model.device) for name, tensor in read.weights.items()}, assign=True)
    blocks.requires_grad_(False).eval()
    return partial(hook_blocks, model, blocks)


class _Shape:
    """A tensor of which the shape alone is known."""

    def __init__(self, *shape: int) -> None:
        self.shape = shape


def _same(found: Weights, wanted: Weights) -> None:
    """Raise `ValueError` where names or shapes differ."""
    for name in sorted(found.keys() | wanted.keys()):
        is_, should = (_sized(some, name) for some in (found, wanted))
        if is_ != should:
            raise ValueError(f"{name} is {is_} in it, and {should} on this base")


def _sized(tensors: Weights, name: str) -> str:
    return "x".join(map(str, tensors[name].shape)) if name in tensors else "missing"


def _linear(model: Any) -> Iterator[tuple[str, Any]]:
    """The model's own linear layers by their own names, whatever peft has put around them."""
    from peft.tuners.tuners_utils import BaseTunerLayer
    from torch import nn

    inside: set[str] = set()
    for name, layer in model.named_modules():
        if any(name.startswith(wrapped) for wrapped in inside):
            continue
        if isinstance(layer, BaseTunerLayer):
            inside.add(f"{name}.")
            layer = layer.get_base_layer()  # noqa: PLW2901
        if isinstance(layer, nn.Linear):
            yield name, layer


def _named(patterns: Any, name: str) -> bool:
    """Whether peft's `feedforward_modules` mean this layer: an expression for all of its name, or ends of names."""
    if isinstance(patterns, str):
        return bool(re.fullmatch(patterns, name))
    return any(name.endswith(end) for end in patterns or ())


def _lora_layers(model: Any) -> list[Any]:
    from peft.tuners.lora import LoraLayer

    return [layer for layer in model.modules() if isinstance(layer, LoraLayer)]


def _off(model: Any) -> None:
    for layer in _lora_layers(model):
        layer.enable_adapters(False)


def steady(model: Any) -> None:
    """Keep DoRA from dividing by nothing, in training and in serving.

    It splits a weight into the rows' lengths and directions, and a row that is all zero has no direction: peft divides 0 by 0, and the
    first output is not a number. With a least norm such a row stays what it is.
    """
    from peft.tuners.lora.dora import DoraLinearLayer

    for layer in model.modules():
        if isinstance(layer, DoraLinearLayer) and "get_weight_norm" not in vars(layer):
            layer.get_weight_norm = partial(_norm_above_nothing, layer.get_weight_norm)


def _norm_above_nothing(norm: Callable[..., Any], *args: Any, **named: Any) -> Any:
    return norm(*args, **named).clamp(min=_SMALLEST)
