"""What an adapter folder says of itself: how it was made and from what, and the hashes by which it is known again."""

import hashlib
import json
from pathlib import Path
from typing import Any

from finetune.config import TrainConfig

RECIPE = "recipe.json"


def write_recipe(folder: Path, config: TrainConfig, base: str, template: str, about: dict[str, Any]) -> None:
    """Write the recipe into a folder that holds all else already. base, template: their hashes. about: whatever else is to be known."""
    recipe = {
        "method": config.method,
        "seed": config.seed,
        "config": config.to_json(),
        "base": {"name": config.base, "sha256": base},
        "template": template,
        **about,
        "files": {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.is_file()},
    }
    (folder / RECIPE).write_text(json.dumps(recipe, ensure_ascii=False, indent=1), encoding="utf-8")


def sha256(path: Path) -> str:
    """Of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
