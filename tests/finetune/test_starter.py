"""The starter model: dialogues that hold their answers, weights that copy before any training, the same at every making."""

import hashlib
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from finetune.starter import Recipe, make_starter, make_tokenizer, row_of, starter, telling
from finetune.starter_circuit import implant, shape
from finetune.starter_talk import dialogues

SMALL = Recipe(steps=2, batch=2, questions=2)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return make_tokenizer(SMALL)


def test_a_fact_that_is_asked_for_stands_in_the_pages_and_in_the_reply():
    refused = 0
    for talk in islice(dialogues(1, "train"), 60):
        for value, reply in zip(talk.values, talk.messages[2::2], strict=True):
            if value is None:
                refused += 1
            else:
                assert value in talk.messages[0].text
                assert value in reply.text
    assert 10 < refused < 60


def test_the_same_seed_gives_the_same_dialogues_and_tests_ask_otherwise():
    assert list(islice(dialogues(1, "train"), 5)) == list(islice(dialogues(1, "train"), 5))
    asked = [
        {line.text.split()[0] for talk in islice(dialogues(2, part), 80) for line in talk.messages[1::2]} for part in ("train", "test")
    ]
    assert asked[1] - asked[0]


def test_digits_and_chinese_characters_stand_alone(tokenizer: Any):
    assert tokenizer.tokenize("2026") == ["2", "0", "2", "6"]
    assert len(tokenizer("价格是多少", add_special_tokens=False)["input_ids"]) == 5
    assert tokenizer.decode(tokenizer("龘 costs £19.99，对吗？")["input_ids"]) == "龘 costs £19.99，对吗？"


def test_every_reply_of_a_row_carries_loss_and_nothing_else(tokenizer: Any):
    talk = next(dialogues(3, "train", 3))
    ids, mask = row_of(tokenizer, talk)
    carrying = tokenizer.decode([token for token, loss in zip(ids, mask, strict=True) if loss])
    assert carrying == "".join(f"{line.text}<|im_end|>" for line in talk.messages[2::2])


def test_the_circuit_goes_on_as_the_text_went_on_before(tokenizer: Any):
    import torch
    from transformers import Qwen2ForCausalLM

    model = Qwen2ForCausalLM(shape(len(tokenizer), 3)).eval()
    implant(model, telling(tokenizer, [tokenizer("a b c")["input_ids"]]), seed=1)
    once = torch.randperm(len(tokenizer), generator=torch.Generator().manual_seed(2))[:60]
    with torch.no_grad():
        said = model(torch.cat([once, once])[None]).logits[0, 60:-1].argmax(-1)
    assert (said == once[1:]).float().mean() > 0.95


def test_it_is_made_once_and_alike(tmp_path: Path):
    first = starter(tmp_path, SMALL)
    made = (first / "model.safetensors").stat().st_mtime_ns
    assert starter(tmp_path, SMALL) == first
    assert (first / "model.safetensors").stat().st_mtime_ns == made
    make_starter(tmp_path / "again", SMALL)
    hashes = {hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest() for folder in (first, tmp_path / "again")}
    assert len(hashes) == 1
    assert [path.name for path in (tmp_path / "models").iterdir()] == [first.name]
