"""The ways to tune a model: one table from a method's name to what it adds to the model and what it asks for.

Whatever the method, its trainable weights come out as a folder of safetensors (`save`) that goes back onto the same base (`load`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.bottleneck import attach_bottleneck, is_bottleneck, load_bottleneck, save_bottleneck
from bot.fitted import steady
from finetune.errors import BadConfig

if TYPE_CHECKING:
    from finetune.config import TrainConfig

_QUANTIZED = "weights held in 4 bits cannot be trained themselves; use it on a base in full precision, or qlora"


@dataclass(frozen=True, slots=True)
class Method:
    """A way to tune.

    lr: the usual learning rate at a hidden size of 4096. peft: makes peft's config from ours, the names of the model's linear layers and
    the number of steps; None where peft has no part in it. refuses_four_bit: why, where the base has to be in full precision.
    keeps_cache: what is trained enters through the attention's cache.
    """

    title: str
    lr: float
    peft: "Callable[[TrainConfig, frozenset[str], int], Any] | None" = None
    refuses_four_bit: str = ""
    keeps_cache: bool = False


def _lora(config: "TrainConfig", layers: frozenset[str], steps: int, **more: Any) -> Any:  # noqa: ARG001
    from peft import LoraConfig

    return LoraConfig(
        task_type="CAUSAL_LM", r=config.r, lora_alpha=config.alpha, lora_dropout=config.dropout, target_modules=_targets(config), **more
    )


def _rslora(config: "TrainConfig", layers: frozenset[str], steps: int) -> Any:
    return _lora(config, layers, steps, use_rslora=True)


def _dora(config: "TrainConfig", layers: frozenset[str], steps: int) -> Any:
    return _lora(config, layers, steps, use_dora=True)


def _adalora(config: "TrainConfig", layers: frozenset[str], steps: int) -> Any:  # noqa: ARG001
    """Starts with half as many ranks again as it is to keep, and gives the surplus up over the middle of the run (Zhang et al. 2023)."""
    from peft import AdaLoraConfig

    return AdaLoraConfig(
        task_type="CAUSAL_LM",
        target_r=config.r,
        init_r=config.r + (config.r + 1) // 2,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=_targets(config),
        tinit=steps // 5,
        tfinal=steps // 2,
        total_step=max(steps, 1),
    )


def _ia3(config: "TrainConfig", layers: frozenset[str], steps: int) -> Any:  # noqa: ARG001
    """Scales keys, values and the inner activations of the feed-forward layers (Liu et al. 2022)."""
    from peft import IA3Config

    feedforward = {"down_proj", "fc2", "w2"}
    names = set(config.targets) or {"k_proj", "v_proj", *feedforward} & layers
    if not names:
        raise BadConfig(f"ia3 does not know the layers of this model; name some of them as targets: {', '.join(sorted(layers))}")
    return IA3Config(task_type="CAUSAL_LM", target_modules=sorted(names), feedforward_modules=sorted(names & feedforward))


def _prompt(config: "TrainConfig", layers: frozenset[str], steps: int) -> Any:  # noqa: ARG001
    from peft import PromptTuningConfig

    return PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=config.virtual_tokens)


def _prefix(config: "TrainConfig", layers: frozenset[str], steps: int) -> Any:  # noqa: ARG001
    from peft import PrefixTuningConfig

    return PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=config.virtual_tokens)


def _targets(config: "TrainConfig") -> str | list[str]:
    return list(config.targets) or "all-linear"


METHODS: dict[str, Method] = {
    "qlora": Method("LoRA on a base held in 4 bits", 2e-4, _lora),
    "lora": Method("LoRA", 2e-4, _lora),
    "rslora": Method("rank-stabilized LoRA", 5e-5, _rslora),  # its scale is 4 times LoRA's at rank 16: steps of the same size
    "dora": Method("weight-decomposed LoRA", 2e-4, _dora),
    "adalora": Method("LoRA that moves its ranks to where they help", 1e-3, _adalora),
    "ia3": Method("IA3: activations scaled", 3e-3, _ia3),
    "prompt": Method("prompt tuning: trained tokens before the prompt", 1e-2, _prompt),
    "prefix": Method("prefix tuning: trained keys and values in every layer", 1e-2, _prefix, keeps_cache=True),
    "bottleneck": Method("bottleneck adapters after attention and feed-forward", 1e-3),
    "full": Method("every weight", 2e-5, refuses_four_bit=_QUANTIZED),
    "classifier": Method("a text encoder with a classification head", 2e-5, refuses_four_bit=_QUANTIZED),
}


def attach(model: Any, config: "TrainConfig", steps: int = 1) -> Any:
    """The model with the method's new weights on it, those alone trainable. steps: optimizer steps of the run.

    Raises `BadConfig` for targets that the model does not have.
    """
    from peft import get_peft_model

    method = METHODS[config.method]
    layers = _linear_names(model)
    if unknown := set(config.targets) - layers:
        raise BadConfig(f"targets {', '.join(sorted(unknown))} are not in this model; it has: {', '.join(sorted(layers))}")
    if method.peft:
        made = get_peft_model(model, method.peft(config, layers, steps))
        steady(made)
        return made
    full = config.method == "full"
    for weight in model.parameters():
        weight.requires_grad_(full and weight.is_floating_point())
    if config.method == "bottleneck":
        attach_bottleneck(model, config.bottleneck, config.dropout)
    return model


def _linear_names(model: Any) -> frozenset[str]:
    from torch import nn

    return frozenset(name.rpartition(".")[2] for name, layer in model.named_modules() if isinstance(layer, nn.Linear)) - {"lm_head"}


def save(model: Any, folder: Path) -> None:
    """Write what was trained into `folder`: an adapter, or for full tuning the whole model."""
    if is_bottleneck(model):
        save_bottleneck(model, folder)
        return
    patterns = {name: dict(config.rank_pattern) for name, config in getattr(model, "peft_config", {}).items() if _ranks(config)}
    model.save_pretrained(folder, safe_serialization=True)
    for name, pattern in patterns.items():  # saving renames its keys in place, and the rest of the run needs them as they were
        model.peft_config[name].rank_pattern = pattern


def _ranks(config: Any) -> bool:
    return str(config.peft_type).endswith("ADALORA") and bool(config.rank_pattern)


def load(model: Any, folder: Path) -> Any:
    """The base `model` with the adapter in `folder` on it, not trainable. For full tuning open the folder as the base instead."""
    if is_bottleneck(folder):
        load_bottleneck(model, folder)
        return model
    from peft import PeftModel

    loaded = PeftModel.from_pretrained(model, str(folder), is_trainable=False)
    steady(loaded)
    return loaded


def counts(model: Any) -> tuple[int, int]:
    """How many weights are trainable, and how many there are in all; packed 4-bit weights count as what they stand for."""
    trainable = total = 0
    for weight in model.parameters():
        state = getattr(weight, "quant_state", None)
        number = state.shape.numel() if state is not None else weight.numel()
        total += number
        trainable += number * weight.requires_grad
    return trainable, total
