"""An adapter's folder, looked at before anything loads it: whole, unchanged, plain finite tensors, made for the base that serves it."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.adapters import weights_hash
from finetune.errors import BadAdapter
from finetune.recipe import RECIPE, sha256

_ALLOWED = {".safetensors", ".json", ".md", ".txt", ".jinja", ".model"}  # nothing that runs code when it is read
_LARGEST_RECIPE = 2**25  # bytes


Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Checked:
    """A folder that is sound. sha256: of its weights. shapes: of its tensors by name. recipe: how it was made."""

    folder: Path
    sha256: str
    shapes: Shapes
    recipe: dict[str, Any]

    @property
    def base_sha256(self) -> str:
        """Of the base it was trained on."""
        return str(self.recipe["base"]["sha256"])


def check(folder: Path, *, shapes: Shapes | None = None, base_sha256: str | None = None, template: str | None = None) -> Checked:
    """Raise `BadAdapter` with everything that is wrong. shapes, base_sha256, template: as the serving side has them, where known."""
    recipe = _recipe(folder)
    problems = [*_foreign(folder), *_changed(folder, recipe)]
    found = _tensors(folder, problems)
    if shapes is not None and found != dict(shapes):
        problems.append(_differing(found, shapes))
    if base_sha256 is not None and recipe["base"]["sha256"] != base_sha256:
        was, now = recipe["base"]["sha256"][:12], base_sha256[:12]
        problems.append(f"it was trained on the base {recipe['base'].get('name')} ({was}), and {now} would serve it; train it anew")
    if template is not None and recipe.get("template") != template:
        problems.append("the chat template has changed since it was trained; train it anew")
    if problems:
        raise BadAdapter(f"the adapter in {folder} cannot be used: {'; '.join(problems)}")
    return Checked(folder, weights_hash(folder), found, recipe)


def _recipe(folder: Path) -> dict[str, Any]:
    path = folder / RECIPE
    try:
        if path.stat().st_size > _LARGEST_RECIPE:
            raise BadAdapter(f"{path} has {path.stat().st_size} bytes; that is no recipe. Train the adapter again.")
        recipe = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadAdapter(f"{folder} is no adapter: its {RECIPE} cannot be read ({error}). Give the folder that a run has made.") from None
    base = recipe.get("base") if isinstance(recipe, dict) else None
    if not isinstance(base, dict) or not isinstance(base.get("sha256"), str) or not isinstance(recipe.get("files"), dict):
        raise BadAdapter(f"{path} lacks the base's hash or the list of files; give the folder that a run has made")
    return dict(recipe)


def _foreign(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or (path.is_file() and path.suffix not in _ALLOWED):
            yield f"{path.name} does not belong there (allowed: {' '.join(sorted(_ALLOWED))}); pickled weights are never read"


def _changed(folder: Path, recipe: dict[str, Any]) -> Iterator[str]:
    listed = recipe["files"]
    for name, digest in listed.items():
        path = folder / Path(name).name
        if not path.is_file():
            yield f"{name} is missing"
        elif sha256(path) != digest:
            yield f"{name} is not as it was when the run ended"
    for path in sorted(folder.glob("*.safetensors")):
        if path.name not in listed:
            yield f"{path.name} is not in the recipe"


def _tensors(folder: Path, problems: list[str]) -> dict[str, tuple[int, ...]]:
    """Names and shapes; what is wrong with the numbers goes to `problems`."""
    from safetensors import SafetensorError, safe_open

    shapes: dict[str, tuple[int, ...]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118  (not a dict)
                    tensor = file.get_tensor(name)
                    shapes[name] = tuple(tensor.shape)
                    if tensor.is_floating_point() and not math.isfinite(float(tensor.float().abs().sum())):
                        problems.append(f"{name} holds numbers that are not finite; train again with a smaller learning rate")
        except (SafetensorError, OSError, ValueError) as error:
            problems.append(f"{path.name} cannot be read: {error}")
    if not shapes and not problems:
        problems.append("it holds no weights")
    return shapes


def _differing(found: Shapes, wanted: Shapes) -> str:
    lacking, more = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    other = [
        f"{name} is {found[name]} instead of {wanted[name]}" for name in sorted(found.keys() & wanted.keys()) if found[name] != wanted[name]
    ]
    parts = [f"{len(lacking)} weights are missing, such as {lacking[0]}"] if lacking else []
    parts += [f"{len(more)} do not belong to it, such as {more[0]}"] if more else []
    return f"its weights do not fit the base: {'; '.join((*parts, *other[:3]))}"
