"""Adapters that must not be put on a base."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.errors import BackendRejected
from bot.local_model import LocalModel
from tests.tiny import tiny_adapter, tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    return LocalModel(str(tiny_model(tmp_path_factory.mktemp("tiny") / "base")))


@pytest.fixture
def folder(model: LocalModel, tmp_path: Path) -> Path:
    return tiny_adapter(Path(model.name), tmp_path / "good")


def changed(folder: Path, change: Any) -> None:
    """Rewrite the weights."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "adapter_model.safetensors")
    change(weights)
    save_file(weights, folder / "adapter_model.safetensors")


def not_a_number(weights: dict[str, Any]) -> None:
    weights[min(weights)][0, 0] = float("nan")


def one_less(weights: dict[str, Any]) -> None:
    del weights[min(weights)]


def one_more(weights: dict[str, Any]) -> None:
    weights["base_model.model.model.embed_tokens.weight"] = weights[min(weights)].clone()


def another_shape(weights: dict[str, Any]) -> None:
    name = min(weights)
    weights[name] = weights[name][:2].contiguous()


def untrained(weights: dict[str, Any]) -> None:
    for name, weight in weights.items():
        if "lora_B" in name:
            weight.zero_()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (not_a_number, "not finite"),
        (one_less, "missing in it"),
        (one_more, "missing on this base"),
        (another_shape, "2x64 in it, and 4x64 on this base"),
        (untrained, "changes nothing"),
    ],
)
def test_weights_that_are_wrong_are_refused_and_leave_the_base_alone(model: LocalModel, folder: Path, change: Any, why: str):
    changed(folder, change)
    with pytest.raises(BackendRejected, match=why):
        model.load_adapter("bad", folder)
    assert model.labels() == ()
    assert model.load_adapter("good", tiny_adapter(Path(model.name), folder.parent / "other", seed=3))
    model.drop_adapter(model.labels()[0])
    assert model.labels() == ()


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [
        ("peft_type", "VERA", "a local backend takes LORA, IA3"),
        ("bias", "all", "would change the shared base"),
        ("modules_to_save", ["lm_head"], "modules_to_save"),
        ("target_modules", ["nowhere"], "nowhere"),
        ("r", "many", "refused"),
        ("r", 0, "refused"),
        ("no_such_option", 1, "cannot be read"),
    ],
)
def test_a_configuration_that_is_wrong_is_refused(model: LocalModel, folder: Path, option: str, value: object, why: str):
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {option: value}), encoding="utf-8")
    with pytest.raises(BackendRejected, match=why):
        model.load_adapter("bad", folder)
    assert model.labels() == ()


def test_one_that_was_made_for_another_base_is_refused(model: LocalModel, folder: Path):
    (folder / "recipe.json").write_text(json.dumps({"base": {"name": "x", "sha256": "ab" * 32}}), encoding="utf-8")
    with pytest.raises(BackendRejected, match="another base"):
        model.load_adapter("bad", folder)


def test_a_pickle_is_no_adapter(model: LocalModel, folder: Path):
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(BackendRejected, match=r"must hold adapter_model\.safetensors"):
        model.load_adapter("bad", folder)


def test_a_truncated_file_is_refused(model: LocalModel, folder: Path):
    path = folder / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BackendRejected, match="cannot be read"):
        model.load_adapter("bad", folder)
