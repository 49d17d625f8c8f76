"""Training: every method on a tiny model of the tests' own, and runs that are stopped and go on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.messages import Message
from bot.render import render
from finetune.base import open_base
from finetune.batches import Lessons
from finetune.errors import BadConfig, BadRows, Diverged, Stopped
from finetune.learner import mean_loss
from finetune.methods import METHODS, attach, load
from finetune.recipe import sha256
from finetune.rows import Row
from finetune.train import Progress, Trained, train
from tests.finetune.learning import quick, rows
from tests.tiny import tiny_model, tiny_tokenizer

ROWS = rows()
TRAINING, VALIDATION = ROWS[:16], ROWS[16:]
CAUSAL = [name for name in METHODS if name != "classifier"]
IN_FOUR_BITS = [name for name in CAUSAL if not METHODS[name].refuses_four_bit]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("base"))


@pytest.mark.parametrize(
    ("method", "four_bit"), [*((name, False) for name in CAUSAL if name != "qlora"), *((name, True) for name in IN_FOUR_BITS)]
)
def test_every_method_learns_and_comes_back_with_the_same_loss(base: Path, tmp_path: Path, method: str, four_bit: bool):
    config = quick(base, method, four_bit=four_bit, steps=12)
    done = train(config, TRAINING, VALIDATION, tmp_path)
    assert done.best_loss < done.untrained
    assert done.best_loss == min(loss for _, loss in done.validations)
    assert [step for step, _ in done.losses] == list(range(1, 13))

    whole = method == "full"
    opened = open_base(str(done.adapter if whole else base), four_bit)
    model = opened.model if whole else load(opened.model, done.adapter)
    lessons = Lessons(opened.tokenizer, VALIDATION, config)
    assert mean_loss(model, lessons.plain, opened.tokenizer.pad_token_id) == pytest.approx(done.best_loss, abs=1e-5)
    assert len(generated(model, opened.tokenizer)) == 4


def test_dora_learns_on_a_base_with_rows_that_are_all_zero(tmp_path: Path):
    """Such a row has no direction, and its length divided by its norm is no number."""
    from safetensors.torch import load_file, save_file

    weights = tiny_model(tmp_path / "base") / "model.safetensors"
    tensors = load_file(weights)
    tensors["model.layers.0.self_attn.q_proj.weight"][:8] = 0
    save_file(tensors, weights, {"format": "pt"})
    done = train(quick(tmp_path / "base", "dora", steps=12), TRAINING, VALIDATION, tmp_path / "run")
    assert done.best_loss < done.untrained
    model = load(open_base(str(tmp_path / "base"), False).model, done.adapter)
    assert mean_loss(model, Lessons(tiny_tokenizer(), VALIDATION, quick("base", "dora")).plain, 0) == pytest.approx(
        done.best_loss, abs=1e-5
    )


def generated(model: Any, tokenizer: Any) -> list[int]:
    import torch

    ids = torch.tensor([render(tokenizer, [Message("customer", "lamp?")], None).ids])
    model.eval()
    out = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), min_new_tokens=4, max_new_tokens=4, do_sample=False)
    return list(out[0, ids.shape[1] :])


@pytest.mark.parametrize("method", ["full", "classifier"])
def test_what_cannot_work_in_four_bits_is_refused_with_the_reason(base: Path, method: str):
    with pytest.raises(BadConfig, match="4 bits cannot be trained"):
        quick(base, method, four_bit=True)


def test_unknown_targets_are_refused_with_what_there_is(base: Path, tmp_path: Path):
    with pytest.raises(BadConfig, match=r"nothing are not in this model; it has: down_proj, .*v_proj"):
        train(quick(base, targets="q_proj,nothing"), TRAINING, VALIDATION, tmp_path)


def test_only_the_named_layers_are_adapted(base: Path):
    model = attach(open_base(str(base), False).model, quick(base, targets="q_proj,v_proj"))
    trained = {name.split(".")[-4] for name, weight in model.named_parameters() if weight.requires_grad}
    assert trained == {"q_proj", "v_proj"}


@pytest.mark.parametrize("method", CAUSAL)
def test_a_7b_shape_trains_under_a_hundredth_of_its_weights(method: str):
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    from finetune.methods import counts

    shape = LlamaConfig(hidden_size=4096, intermediate_size=11008, num_hidden_layers=32, num_attention_heads=32, vocab_size=32000)
    with torch.device("meta"):
        trainable, total = counts(attach(AutoModelForCausalLM.from_config(shape), quick("7b", method, r=16), 100))
    assert total > 6.7e9
    assert (trainable == total) if method == "full" else (0 < trainable < 0.01 * total)


def test_the_gradients_stay_right_after_an_evaluation_in_four_bits(base: Path):
    """Compared with the same weights in full precision: some CPUs repack 4-bit weights for a kernel that has no gradient."""
    import torch

    model = attach(open_base(str(base), True).model, quick(base, "qlora", dropout=0))
    reference = attach(dequantized(base), quick(base, "lora", dropout=0))
    draw = torch.Generator().manual_seed(0)
    for mine, theirs in zip(adapters(model), adapters(reference), strict=True):
        mine.data = torch.randn(mine.shape, generator=draw) * 0.1
        theirs.data = mine.data.clone()
    before = gradient(model)
    generated(model, open_base(str(base), False).tokenizer)
    model.train()
    for found in (before, gradient(model)):
        assert float(torch.nn.functional.cosine_similarity(found, gradient(reference), dim=0)) > 0.999


def adapters(model: Any) -> Iterator[Any]:
    return (weight for weight in model.parameters() if weight.requires_grad)


def gradient(model: Any) -> Any:
    import torch

    ids = torch.arange(4, 36).reshape(2, 16)
    model.zero_grad()
    logits = model(input_ids=ids).logits[:, :-1]
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten()).backward()
    return torch.cat([weight.grad.flatten() for weight in adapters(model)])


def dequantized(base: Path) -> Any:
    import torch
    from bitsandbytes.functional import dequantize_4bit

    quantized, plain = open_base(str(base), True).model, open_base(str(base), False).model
    with torch.no_grad():
        for (_, layer), (_, weight) in zip(quantized.named_parameters(), plain.named_parameters(), strict=True):
            if hasattr(layer, "quant_state"):
                weight.copy_(dequantize_4bit(layer.data, layer.quant_state))
    return plain


class Cut(Exception):
    """What ends a run in a test as suddenly as a kill."""


@pytest.mark.parametrize(("method", "after"), [("lora", 3), ("adalora", 5), ("qlora", 4), ("prefix", 8), ("full", 6)])
def test_a_run_that_was_cut_off_ends_as_if_it_had_not_been(base: Path, tmp_path: Path, method: str, after: int):
    config = quick(base, method, steps=9, augment=0.5, accumulation=2, dropout=0.1)

    def cut(progress: Progress) -> None:
        if progress.step == after:
            raise Cut

    whole = train(config, TRAINING, VALIDATION, tmp_path / "whole")
    with pytest.raises(Cut):
        train(config, TRAINING, VALIDATION, tmp_path / "cut", cut)
    again = train(config, TRAINING, VALIDATION, tmp_path / "cut")
    assert same(again, whole)
    weights = next(path.name for path in whole.adapter.iterdir() if path.suffix == ".safetensors")
    assert (again.adapter / weights).read_bytes() == (whole.adapter / weights).read_bytes()


def same(one: Trained, other: Trained) -> bool:
    return (one.losses, one.validations, one.untrained, one.best_step) == (
        other.losses, other.validations, other.untrained, other.best_step,
    )  # fmt: skip


def test_a_checkpoint_that_was_cut_off_is_passed_over(base: Path, tmp_path: Path):
    config = quick(base, steps=6, evaluations=6)
    whole = train(config, TRAINING, VALIDATION, tmp_path)
    newest = max((tmp_path / "checkpoints").iterdir())
    (newest / "weights.safetensors").write_bytes(b"half")
    (tmp_path / "checkpoints" / "step-00000099").mkdir()
    assert same(train(config, TRAINING, VALIDATION, tmp_path), whole)


def test_a_stopped_run_goes_on_where_it_was(base: Path, tmp_path: Path):
    config = quick(base, steps=6, evaluations=1)
    asked = iter([False] * 4 + [True])
    with pytest.raises(Stopped, match="after step 4 of 6"):
        train(config, TRAINING, VALIDATION, tmp_path, stop=lambda: next(asked))
    assert not (tmp_path / "adapter").exists()
    seen: list[Progress] = []
    done = train(config, TRAINING, VALIDATION, tmp_path, seen.append)
    assert [progress.step for progress in seen] == [5, 6]
    assert len(done.losses) == 6


def test_another_run_in_the_same_folder_is_refused(base: Path, tmp_path: Path):
    train(quick(base), TRAINING, VALIDATION, tmp_path)
    with pytest.raises(BadRows, match="another config"):
        train(quick(base, seed=1), TRAINING, VALIDATION, tmp_path)


def test_it_ends_early_and_keeps_the_best(base: Path, tmp_path: Path):
    """Every validation answer is wrong by the training rows, so that learning makes it worse."""
    wrong = [Row(row.id, row.messages, "zzzz", row.language, f"v{row.conversation}") for row in TRAINING]
    done = train(quick(base, "full", steps=60, evaluations=20, patience=2, lr=0.01), TRAINING, wrong, tmp_path)
    assert done.steps == done.best_step + 2 * 3
    assert done.best_loss == min(loss for _, loss in done.validations)


def test_gradients_that_are_no_numbers_end_the_run(tmp_path: Path):
    from safetensors.torch import load_file, save_file

    weights = tiny_model(tmp_path / "base") / "model.safetensors"
    tensors = load_file(weights)
    tensors["model.norm.weight"][0] = float("nan")
    save_file(tensors, weights, {"format": "pt"})
    with pytest.raises(Diverged, match=r"5 steps in a row, at step 5\. Use a smaller lr"):
        train(quick(tmp_path / "base", steps=20, evaluations=1), TRAINING, VALIDATION, tmp_path / "run")


def test_rows_that_do_not_fit_are_counted_and_none_that_fits_is_refused(base: Path, tmp_path: Path):
    long = Row("long", (Message("customer", "x" * 500),), "y", "en", "long")
    assert train(quick(base, max_length=100), [*TRAINING, long], VALIDATION, tmp_path / "one").skipped == 1
    with pytest.raises(BadRows, match="1 do not"):
        train(quick(base, max_length=100), [long], VALIDATION, tmp_path / "two")


def test_the_recipe_says_how_the_adapter_was_made(base: Path, tmp_path: Path):
    config = quick(base)
    done = train(config, TRAINING, VALIDATION, tmp_path)
    recipe = json.loads((done.adapter / "recipe.json").read_text(encoding="utf-8"))
    assert recipe["config"] == config.to_json()
    assert recipe["base"] == {"name": str(base), "sha256": open_base(str(base), False).sha256}
    assert recipe["data"]["rows"] == 16
    assert recipe["files"]["adapter_model.safetensors"] == sha256(done.adapter / "adapter_model.safetensors")
    assert not [path for path in done.adapter.iterdir() if path.suffix in {".bin", ".pt", ".pkl"}]
    assert list((tmp_path / "tensorboard").iterdir())
