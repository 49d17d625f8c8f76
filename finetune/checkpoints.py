"""Checkpoints of a run. A whole one is told from one that a kill cut off by its marker, which is written last and names its files."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MARKER, _WEIGHTS, _OPTIMIZER = "complete.json", "weights.safetensors", "optimizer.pt"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A whole checkpoint. state: what the run wrote into it, plain JSON."""

    folder: Path
    state: dict[str, Any]

    def weights(self) -> dict[str, Any]:
        """The trainable weights by name."""
        from safetensors.torch import load_file

        found: dict[str, Any] = load_file(self.folder / _WEIGHTS)
        return found

    def optimizer(self) -> dict[str, Any]:
        """The optimizer's state, and whatever tensors were saved along with it."""
        import torch

        found: dict[str, Any] = torch.load(self.folder / _OPTIMIZER, weights_only=True, map_location="cpu")
        return found


def write(made: Path, weights: Mapping[str, Any], optimizer: Mapping[str, Any], state: dict[str, Any]) -> None:
    """Make the checkpoint `made`, a folder step-N beside the earlier ones, and remove all but the newest two."""
    import torch
    from safetensors.torch import save_file

    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    save_file({name: weight.detach().contiguous() for name, weight in weights.items()}, made / _WEIGHTS)
    torch.save(dict(optimizer), made / _OPTIMIZER)
    mark(made, state)
    for old in sorted(made.parent.glob("step-*"))[:-2]:
        shutil.rmtree(old, ignore_errors=True)


def newest(folder: Path) -> Checkpoint | None:
    """The newest whole checkpoint, None where there is none."""
    for found in sorted(folder.glob("step-*"), reverse=True):
        state = marked(found)
        if state is not None:
            return Checkpoint(found, state)
    return None


def place(folder: Path, step: int) -> Path:
    """Where what belongs to a step is kept in `folder`; sorts by step."""
    return folder / f"step-{step:08d}"


def mark(folder: Path, state: dict[str, Any]) -> None:
    """Declare the files in `folder` whole: they are on the disk before the marker is."""
    files = {path.name: path.stat().st_size for path in folder.iterdir() if path.name != _MARKER}
    for name in files:
        _sync(folder / name)
    beside = folder / f"{_MARKER}.new"
    beside.write_text(json.dumps({"files": files, "state": state}), encoding="utf-8")
    _sync(beside)
    beside.rename(folder / _MARKER)
    _sync(folder)


def marked(folder: Path) -> dict[str, Any] | None:
    """The state in the marker of `folder`; None when it was never finished or files of it are missing or cut."""
    try:
        marker = json.loads((folder / _MARKER).read_text(encoding="utf-8"))
        whole = all((folder / name).stat().st_size == size for name, size in marker["files"].items())
        state: dict[str, Any] = marker["state"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return state if whole else None


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
