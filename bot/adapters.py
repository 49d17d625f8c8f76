"""LoRA adapters on one base model: read with care, attached beside each other, switched between, taken off again.

An adapter's folder is untrusted until it is read: only safetensors, exactly the tensors that its configuration asks for, all finite, made
for this base. The last word has a probe: an adapter that changes nothing is refused too.
"""

import hashlib
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.errors import BackendRejected

_WEIGHTS, _CONFIG, _RECIPE = "adapter_model.safetensors", "adapter_config.json", "recipe.json"
_PREFIX = "base_model.model."  # what peft puts before the names of tensors in a file
_UNUSED = ("modules_to_save", "layer_replication", "trainable_token_indices", "arrow_config", "corda_config", "eva_config")


@dataclass(frozen=True, slots=True)
class Read:
    """An adapter as its folder holds it. sha256: of its weights file. config: peft's. weights: tensors by their module's name."""

    name: str
    sha256: str
    config: Any
    weights: dict[str, Any]

    @property
    def label(self) -> str:
        """The name with the first digits of the hash: what people see."""
        return label(self.name, self.sha256)

    @property
    def key(self) -> str:
        """What the model knows it by; a name may hold dots, which torch does not take."""
        return f"adapter_{self.sha256[:16]}"


def label(name: str, sha256: str) -> str:
    """What people see of an adapter: its name with the first digits of its weights' hash."""
    return f"{name}@{sha256[:8]}"


def read_adapter(name: str, folder: Path, base_sha256: str) -> Read:
    """Read and check what can be checked without the model. Raises `BackendRejected`."""
    from peft import LoraConfig
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        data = (folder / _WEIGHTS).read_bytes()
        written = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        recipe = json.loads((folder / _RECIPE).read_text(encoding="utf-8")) if (folder / _RECIPE).exists() else {}
        kind = str(written.get("peft_type"))
        if kind != "LORA":
            raise _refused(name, f"it is of type {kind}; a local backend switches between LoRA adapters (lora, qlora, rslora, dora)")
        if used := [option for option in _UNUSED if written.get(option)]:
            raise _refused(name, f"its {used[0]} is set, which a shared base cannot have; train it without")
        base = recipe.get("base", {}).get("sha256")
        if base and base != base_sha256:
            raise _refused(name, f"it was made for another base ({base[:8]}, this one is {base_sha256[:8]}); train it anew on this one")
        written |= {"inference_mode": True, "init_lora_weights": True}  # the other ways to begin would change the base's own weights
        config = LoraConfig(**written)
        weights = {key.removeprefix(_PREFIX): tensor for key, tensor in load(data).items()}
    except OSError as error:
        raise _refused(name, f"{error.strerror or error}; it must hold {_WEIGHTS} and {_CONFIG}") from None
    except (ValueError, TypeError, AttributeError, SafetensorError) as error:
        raise _refused(name, f"it cannot be read: {error}") from None
    if broken := next((key for key, tensor in weights.items() if not bool(tensor.isfinite().all())), None):
        raise _refused(name, f"{broken} holds numbers that are not finite; promote another one")
    return Read(name, hashlib.sha256(data).hexdigest(), config, weights)


def attach(model: Any, read: Read, probe: Any) -> None:
    """Put an adapter on the model beside those that are there. probe: token ids of shape (1, n) to try it with.

    Leaves the model as it was and raises `BackendRejected` when the adapter does not fit it, or does nothing.
    """
    from peft import inject_adapter_in_model
    from peft.utils import get_peft_model_state_dict, set_peft_model_state_dict

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Already found a `peft_config`")  # a second adapter is what is wanted
            inject_adapter_in_model(read.config, model, adapter_name=read.key)
        wanted = get_peft_model_state_dict(model, adapter_name=read.key)
        wrong = sorted(name for name in wanted.keys() | read.weights.keys() if _shape(wanted, name) != _shape(read.weights, name))
        if wrong:
            raise _misfit(read, f"{wrong[0]} is {_shape(read.weights, wrong[0])} in it, and {_shape(wanted, wrong[0])} on this base")
        set_peft_model_state_dict(model, read.weights, adapter_name=read.key)
        _prove(model, read, probe)
    except BackendRejected:
        detach(model, read.key)
        raise
    except (ValueError, KeyError, RuntimeError, TypeError) as error:
        detach(model, read.key)
        raise _misfit(read, str(error).splitlines()[0][:200]) from None


def switch(model: Any, key: str | None) -> None:
    """Have the model answer with this adapter alone, or as the bare base."""
    for layer in _layers(model):
        layer.enable_adapters(key is not None)
        if key is not None:
            layer.set_adapter(key, inference_mode=True)


def detach(model: Any, key: str) -> None:
    """Take an adapter off; one that is not there is none."""
    switch(model, None)
    for layer in _layers(model):
        layer.delete_adapter(key)
    getattr(model, "peft_config", {}).pop(key, None)


def _prove(model: Any, read: Read, probe: Any) -> None:
    import torch

    outputs = []
    for active in (None, read.key):
        switch(model, active)
        with torch.inference_mode():
            outputs.append(model(probe, logits_to_keep=1).logits)
    if not bool(outputs[1].isfinite().all()):
        raise _misfit(read, "the model's output with it is not finite")
    if torch.equal(*outputs):
        raise _misfit(read, "it changes nothing; was it ever trained?")


def _layers(model: Any) -> list[Any]:
    from peft.tuners.lora import LoraLayer

    return [layer for layer in model.modules() if isinstance(layer, LoraLayer)]


def _shape(tensors: dict[str, Any], name: str) -> str:
    return "x".join(map(str, tensors[name].shape)) if name in tensors else "missing"


def _refused(name: str, why: str) -> BackendRejected:
    return BackendRejected(f"the adapter {name} is refused: {why}")


def _misfit(read: Read, why: str) -> BackendRejected:
    return BackendRejected(f"the adapter {read.label} is refused: {why}; promote one that was trained on this base")
