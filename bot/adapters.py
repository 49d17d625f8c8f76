"""An adapter's folder, read with care: it is untrusted until then.

Only safetensors, only what `bot.fitted` can lay on a base, all numbers finite, made for this base. Whether the tensors are exactly those
that the base asks for, and whether they change anything, shows when the adapter is put on it (`bot.rack`).
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot import bottleneck
from bot.errors import BackendRejected

WEIGHTS, CONFIG, RECIPE = "adapter_model.safetensors", "adapter_config.json", "recipe.json"
_PREFIX = "base_model.model."  # what peft puts before the names of tensors in a file
_UNUSED = ("modules_to_save", "layer_replication", "trainable_token_indices", "arrow_config", "corda_config", "eva_config")

Weights = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Read:
    """An adapter as its folder holds it. sha256: of its weights file. weights: tensors by their module's name.

    config: peft's, or for bottleneck adapters their width.
    """

    name: str
    sha256: str
    config: Any
    weights: Weights

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


def weights_hash(folder: Path) -> str:
    """SHA-256 of the one file of weights, or over the names and hashes of several."""
    hashes = []
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            hashes.append((path.name, hashlib.file_digest(file, "sha256").hexdigest()))
    if len(hashes) == 1:
        return hashes[0][1]
    return hashlib.sha256("\n".join(f"{name} {digest}" for name, digest in hashes).encode()).hexdigest()


def read_adapter(name: str, folder: Path, base_sha256: str) -> Read:
    """Read and check what can be checked without the model. Raises `BackendRejected`."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    narrow = bottleneck.is_bottleneck(folder)
    weights_file, config_file = (bottleneck.WEIGHTS, bottleneck.CONFIG) if narrow else (WEIGHTS, CONFIG)
    try:
        data = (folder / weights_file).read_bytes()
        written = json.loads((folder / config_file).read_text(encoding="utf-8"))
        check_base(name, folder, base_sha256)
        weights = {key.removeprefix(_PREFIX): tensor for key, tensor in load(data).items()}
        for problem in broken(weights):
            raise refused(name, problem)
        config, weights = (int(written["width"]), weights) if narrow else _configured(name, written, weights)
    except OSError as error:
        raise refused(name, f"{error.strerror or error}; it must hold {weights_file} and {config_file}") from None
    except (ValueError, TypeError, AttributeError, KeyError, SafetensorError) as error:
        raise refused(name, f"it cannot be read: {error}") from None
    return Read(name, hashlib.sha256(data).hexdigest(), config, weights)


def check_base(name: str, folder: Path, base_sha256: str) -> None:
    """Raise `BackendRejected` where the folder's recipe says that it was made for another base; one without a recipe says nothing."""
    recipe = json.loads((folder / RECIPE).read_text(encoding="utf-8")) if (folder / RECIPE).exists() else {}
    base = recipe.get("base", {}).get("sha256")
    if base and base != base_sha256:
        raise refused(name, f"it was made for another base ({base[:8]}, this one is {base_sha256[:8]}); train it anew on this one")


def broken(weights: Weights) -> Iterator[str]:
    """What is wrong with the numbers."""
    for key, tensor in weights.items():
        if not bool(tensor.isfinite().all()):
            yield f"{key} holds numbers that are not finite; promote another one"


def refused(name: str, why: str) -> BackendRejected:
    """The error, for people."""
    return BackendRejected(f"the adapter {name} is refused: {why}")


def _configured(name: str, written: dict[str, Any], weights: Weights) -> tuple[Any, Weights]:
    """peft's configuration as it is served with, and the tensors for it."""
    from peft import IA3Config, LoraConfig, PrefixTuningConfig, PromptTuningConfig

    kinds = {"LORA": LoraConfig, "IA3": IA3Config, "PROMPT_TUNING": PromptTuningConfig, "PREFIX_TUNING": PrefixTuningConfig}
    if written.get("peft_type") == "ADALORA":
        written, weights = _as_lora(written, weights)
    kind = str(written.get("peft_type"))
    if kind not in kinds:
        raise refused(
            name, f"it is of type {kind}; a local backend takes {', '.join(kinds)}, ADALORA, bottleneck adapters and whole models"
        )
    if used := [option for option in _UNUSED if written.get(option)]:
        raise refused(name, f"its {used[0]} is set, which a shared base cannot have; train it without")
    if written.get("bias", "none") != "none":
        raise refused(name, f"its bias is {written['bias']!r}, which would change the shared base itself; train it with 'none'")
    if kind == "LORA":  # other ways to begin would change the base's own weights; a layer that is put in new would leave some inputs out
        written = written | {"inference_mode": True, "init_lora_weights": True, "lora_dropout": 0.0}
    return kinds[kind](**written), weights


def _as_lora(written: dict[str, Any], weights: Weights) -> tuple[dict[str, Any], Weights]:
    """AdaLoRA as the LoRA that it is in the end: B (E A) alpha / r. Layers that gave up more ranks than others are filled with zeros.

    peft divides by the rank that it began with plus 1e-5, whatever is left of it, and so does this.
    """
    from torch.nn.functional import pad

    began, alpha = int(written["init_r"]), float(written["lora_alpha"])
    if began < 1 or not alpha > 0:
        raise ValueError(f"init_r is {began} and lora_alpha {alpha:g}; allowed: 1 and more, and above 0")
    made = dict(weights)
    rank = max([1, *(len(tensor) for key, tensor in weights.items() if key.endswith(".lora_E"))])
    for key in [key for key in weights if key.endswith(".lora_E")]:
        path = key.removesuffix(".lora_E")
        down, up, worth = (made.pop(f"{path}.{part}") for part in ("lora_A", "lora_B", "lora_E"))
        if worth.shape != (len(down), 1) or up.shape[1:] != (len(down),):
            raise ValueError(f"the ranks of {path} do not fit each other: {tuple(down.shape)}, {tuple(worth.shape)}, {tuple(up.shape)}")
        made[f"{path}.lora_A.weight"] = pad(down * worth * (alpha / (began + 1e-5)), (0, 0, 0, rank - len(down)))
        made[f"{path}.lora_B.weight"] = pad(up, (0, rank - len(down)))
    kept = {
        name: written[name] for name in ("target_modules", "exclude_modules", "layers_to_transform", "layers_pattern") if name in written
    }
    unused = {name: written[name] for name in (*_UNUSED, "bias") if name in written}
    return kept | unused | {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": rank}, made
