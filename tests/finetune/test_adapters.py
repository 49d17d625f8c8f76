"""An adapter's folder is looked at before anything loads it."""

import json
import pickle
from pathlib import Path

import pytest
import torch

from bot.adapters import weights_hash
from finetune.adapters import check
from finetune.errors import BadAdapter
from tests.finetune.adapting import BASE, LAYER, adapter


def test_a_sound_folder_is_known_by_its_weights(tmp_path: Path):
    one, other = check(adapter(tmp_path / "a")), check(adapter(tmp_path / "b", fill=2.0))
    assert one.shapes == {LAYER: (2, 3)}
    assert one.base_sha256 == BASE
    assert one.sha256 != other.sha256
    assert one.sha256 == weights_hash(adapter(tmp_path / "c"))
    assert check(tmp_path / "a", shapes={LAYER: (2, 3)}, base_sha256=BASE, template="t1") == one


@pytest.mark.parametrize(
    ("serving", "said"),
    [
        ({"base_sha256": "c" * 64}, "trained on the base starter"),
        ({"template": "t2"}, "chat template has changed"),
        ({"shapes": {LAYER: (2, 4)}}, r"is \(2, 3\) instead of \(2, 4\)"),
        ({"shapes": {}}, "1 do not belong to it"),
        ({"shapes": {LAYER: (2, 3), "more": (1,)}}, "1 weights are missing, such as more"),
    ],
)
def test_one_that_does_not_fit_the_serving_base_is_refused(tmp_path: Path, serving: dict[str, object], said: str):
    with pytest.raises(BadAdapter, match=said):
        check(adapter(tmp_path / "a"), **serving)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_not_numbers_are_refused(tmp_path: Path, bad: float):
    with pytest.raises(BadAdapter, match="not finite"):
        check(adapter(tmp_path / "a", tensors={LAYER: torch.tensor([[1.0, bad]])}))


def test_pickles_links_and_strangers_are_refused(tmp_path: Path):
    for number, name in enumerate(("model.bin", "x.pt", "x.pkl", "run.py")):
        folder = adapter(tmp_path / str(number))
        (folder / name).write_bytes(pickle.dumps({}))
        with pytest.raises(BadAdapter, match="does not belong there"):
            check(folder)
    folder = adapter(tmp_path / "link")
    (folder / "more.json").symlink_to("/etc/hostname")
    with pytest.raises(BadAdapter, match="does not belong there"):
        check(folder)


def test_a_changed_or_lost_file_is_noticed(tmp_path: Path):
    folder = adapter(tmp_path / "a")
    (folder / "adapter_config.json").write_text('{"r": 2}', encoding="utf-8")
    with pytest.raises(BadAdapter, match=r"adapter_config\.json is not as it was"):
        check(folder)
    (folder / "adapter_config.json").unlink()
    with pytest.raises(BadAdapter, match=r"adapter_config\.json is missing"):
        check(folder)
    folder = adapter(tmp_path / "b")
    (folder / "extra.safetensors").write_bytes((folder / "adapter_model.safetensors").read_bytes())
    with pytest.raises(BadAdapter, match=r"extra\.safetensors is not in the recipe"):
        check(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"base": {"sha256": 1}, "files": {}}', json.dumps({"base": {"sha256": "x"}})])
def test_a_folder_without_a_good_recipe_is_no_adapter(tmp_path: Path, text: str):
    folder = adapter(tmp_path / "a")
    (folder / "recipe.json").write_text(text, encoding="utf-8")
    with pytest.raises(BadAdapter, match="recipe"):
        check(folder)
    with pytest.raises(BadAdapter, match="is no adapter"):
        check(tmp_path / "nothing")


def test_damaged_weights_are_refused(tmp_path: Path):
    folder = adapter(tmp_path / "a")
    path = folder / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(BadAdapter, match="cannot be read"):
        check(folder)
