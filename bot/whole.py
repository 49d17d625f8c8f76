"""A fully tuned model: every weight is its own, so it shares nothing with its base and is opened as a model beside it.

It takes as much memory as the base does, on top of the base's where that answers too; where nothing asks the base, the base is not loaded.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.adapters import CONFIG, broken, check_base, label, refused, weights_hash
from bot.bottleneck import is_bottleneck
from bot.causal import folder_of
from bot.local_model import LocalModel
from bot.policy import Adapter


def is_whole(folder: Path) -> bool:
    """Whether a folder holds a model and no adapter."""
    return (folder / "config.json").is_file() and not (folder / CONFIG).is_file() and not is_bottleneck(folder)


def whole_model(base: LocalModel, adapter: Adapter) -> LocalModel:
    """The tuned model, not loaded yet, in 4 bits where `base` is; it is checked when it is loaded."""
    name = label(adapter.name, adapter.sha256)
    return LocalModel(name, base.four_bit, find=lambda: _checked(base, adapter), window=base.most_window, patience_s=base.patience_s)


def _checked(base: LocalModel, adapter: Adapter) -> str:
    """The folder. Raises `BackendRejected` for weights that are not those of the policy, no numbers, of another base, or the base's own."""
    from safetensors import SafetensorError

    name, folder = label(adapter.name, adapter.sha256), Path(adapter.folder)
    try:
        if not is_whole(folder):
            raise refused(name, f"{folder} holds no model any more; promote another one")
        check_base(name, folder, base.sha256())
        if weights_hash(folder) != adapter.sha256:
            raise refused(name, f"its weights should be {adapter.sha256[:8]}; promote it anew")
        for key, tensor in _tensors(folder):
            for problem in broken({key: tensor}):
                raise refused(name, problem)
        if not _changed(folder, folder_of(base.find())):
            raise refused(name, "it changes nothing; was it ever trained?")
    except (OSError, ValueError, AttributeError, SafetensorError) as error:
        raise refused(name, f"it cannot be read: {error}") from None
    return str(folder)


def _tensors(folder: Path) -> Iterator[tuple[str, Any]]:
    from safetensors import safe_open

    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118  (not a dict)
                yield name, file.get_tensor(name)


def _changed(folder: Path, base: Path) -> bool:
    """Whether a weight is not the base's; True too where none goes by the same name."""
    from safetensors import safe_open

    handles = [safe_open(path, framework="pt") for path in sorted(base.glob("*.safetensors"))]
    own: dict[str, Any] = {name: handle for handle in handles for name in handle.keys()}  # type: ignore[no-untyped-call]  # noqa: SIM118
    shared = False
    for name, tensor in _tensors(folder):
        if name in own:
            shared = True
            other = own[name].get_tensor(name)
            if tensor.shape != other.shape or not bool((tensor.float() == other.float()).all()):
                return True
    return not shared
