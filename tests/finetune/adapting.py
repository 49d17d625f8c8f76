"""Adapter folders for tests, as a run leaves them."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from finetune.recipe import sha256

BASE = "b" * 64
LAYER = "base_model.model.layers.0.q_proj.lora_A.weight"


def adapter(folder: Path, fill: float = 1.0, tensors: dict[str, Any] | None = None, **recipe: Any) -> Path:
    """A folder with weights and a recipe."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors or {LAYER: torch.full((2, 3), fill)}, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text("{}", encoding="utf-8")
    files = {path.name: sha256(path) for path in folder.iterdir() if path.name != "recipe.json"}
    made = {"method": "lora", "base": {"name": "starter", "sha256": BASE}, "template": "t1", "files": files, **recipe}
    (folder / "recipe.json").write_text(json.dumps(made), encoding="utf-8")
    return folder
