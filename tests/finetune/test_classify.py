"""Text encoders with a head, on a tiny encoder of the tests' own."""

import json
from pathlib import Path

import pytest

from finetune.classify import train_classifier
from finetune.config import TrainConfig
from finetune.errors import BadRows
from finetune.rows import Labelled, split_labelled
from finetune.train import Progress
from tests.finetune.learning import quick

TEXTS = {"delivery": "when will my parcel arrive", "refund": "i want my money back", "login": "the password is wrong"}
ROWS = [Labelled(f"{text} {number}", label) for number in range(8) for label, text in TEXTS.items()]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("encoder")
    words = sorted({word for row in ROWS for word in row.text.split()})
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    shape = BertConfig(
        vocab_size=len(words) + 5, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, initializer_range=0.2
    )
    BertModel(shape).save_pretrained(folder)
    return folder


def setting(encoder: Path, **options: object) -> TrainConfig:
    return quick(encoder, "classifier", **{"steps": 30, "lr": 0.01, "patience": 9, **options})


def test_it_learns_its_labels_and_opens_again(encoder: Path, tmp_path: Path):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    train, held = split_labelled(ROWS, 0.25)
    done = train_classifier(setting(encoder), train, held, tmp_path)
    assert done.best_loss < done.untrained / 2
    model = AutoModelForSequenceClassification.from_pretrained(done.adapter).eval()
    tokenizer = AutoTokenizer.from_pretrained(done.adapter)
    with torch.no_grad():
        best = model(**tokenizer([row.text for row in held], padding=True, return_tensors="pt")).logits.argmax(-1)
    assert [model.config.id2label[int(at)] for at in best] == [row.label for row in held]
    recipe = json.loads((done.adapter / "recipe.json").read_text(encoding="utf-8"))
    assert (recipe["method"], recipe["labels"]) == ("classifier", sorted(TEXTS))


def test_it_goes_on_as_if_it_had_not_been_cut_off(encoder: Path, tmp_path: Path):
    train, held = split_labelled(ROWS, 0.25)
    whole = train_classifier(setting(encoder, steps=9), train, held, tmp_path / "whole")

    def cut(progress: Progress) -> None:
        if progress.step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_classifier(setting(encoder, steps=9), train, held, tmp_path / "cut", cut)
    again = train_classifier(setting(encoder, steps=9), train, held, tmp_path / "cut")
    assert (again.losses, again.validations) == (whole.losses, whole.validations)


def test_one_label_is_too_few(encoder: Path, tmp_path: Path):
    with pytest.raises(BadRows, match=r"1 label\(s\)"):
        train_classifier(setting(encoder), ROWS[::3], ROWS[::3], tmp_path)


def test_the_split_keeps_every_label_and_equal_texts_together():
    train, held = split_labelled([*ROWS, *ROWS, Labelled("alone", "rare")], 0.25)
    assert {row.label for row in train} == {*TEXTS, "rare"}
    assert {row.label for row in held} == set(TEXTS)
    assert not {row.text for row in train} & {row.text for row in held}
