"""Every method's adapter answers customers: the served model says what the trained one says, beside others on the one base."""

import gc
import json
import shutil
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bot.adapters import label, weights_hash
from bot.backends.base import Options
from bot.backends.local import Local, LocalBackend, adapted, local_kind
from bot.errors import BackendRejected
from bot.generation import Batch, Reply
from bot.local_model import LocalModel
from bot.messages import Message, Prompt
from bot.policy import Adapter
from bot.render import render
from finetune.base import open_base
from finetune.methods import METHODS, load
from finetune.train import train
from tests.finetune.learning import quick, rows
from tests.tiny import tiny_adapter, tiny_model

ROWS = rows()
PROMPT = Prompt((Message("system", "Be brief."), Message("customer", "多久 can I return the lamp?")), "", (), "en")
SHORT = Options(max_tokens=10)
CAUSAL = [name for name in METHODS if name != "classifier"]
CASES = [(name, bits) for name in CAUSAL for bits in (False, True) if bits or name != "qlora"]
IDS = [f"{name}-{'4bit' if bits else 'plain'}" for name, bits in CASES]
RATES = {"ia3": 0.5, "prompt": 0.5, "prefix": 0.5, "full": 1e-3}  # enough for a few steps to show in what is said


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny") / "base")


@pytest.fixture(scope="module")
def other(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_adapter(base, tmp_path_factory.mktemp("lora") / "other")


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, bool], Path]:
    """The folder that a short run with a method leaves; each is trained once."""
    home, made = tmp_path_factory.mktemp("runs"), {}

    def folder(method: str, four_bit: bool) -> Path:
        four_bit = four_bit and not METHODS[method].refuses_four_bit  # it may be served in 4 bits all the same
        if (method, four_bit) not in made:
            config = quick(base, method, four_bit=four_bit, lr=RATES.get(method, 0.05), evaluations=1)
            made[method, four_bit] = train(config, ROWS[:16], ROWS[16:], home / f"{method}{four_bit}").adapter
        return made[method, four_bit]

    return folder


@pytest.fixture(scope="module")
def models(base: Path) -> Iterator[dict[bool, LocalModel]]:
    found = {bits: LocalModel(str(base), bits, patience_s=60) for bits in (False, True)}
    yield found
    for model in found.values():
        model.close()


def pointer(name: str, folder: Path) -> Adapter:
    return Adapter(name, str(folder), weights_hash(folder))


def say(backend: LocalBackend) -> str:
    return "".join(backend.stream(PROMPT, SHORT))


def served(backend: LocalBackend) -> Any:
    """The next token's logits, as the backend's own thread has them."""
    backend.open()
    loaded, found = backend.model.load(), []
    ids = render(loaded.tokenizer, PROMPT.messages, None).ids

    def look() -> None:
        key = loaded.rack.key(backend.adapter or "")
        loaded.rack.switch(key)
        pad = loaded.tokenizer.pad_token_id  # beside a longer one, so that it is padded
        replies = [Reply(some, 1, 0.0, key, ()) for some in (ids, ids[:7] + ids)]
        found.append(Batch(loaded.model, frozenset(), pad, replies, loaded.rack.before(key)).logits()[0])

    backend.model._do(look)
    return found[0]


def near(one: Any, other: Any) -> bool:
    return bool((one - other).abs().max() < 1e-4)


def as_trained(base: Path, folder: Path, method: str, four_bit: bool) -> Any:
    import torch

    whole = method == "full"
    opened = open_base(str(folder if whole else base), four_bit)
    model = (opened.model if whole else load(opened.model, folder)).eval()
    ids = torch.tensor([render(opened.tokenizer, PROMPT.messages, None).ids])
    with torch.inference_mode():
        return model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, -1]


@pytest.mark.parametrize(("method", "four_bit"), CASES, ids=IDS)
def test_what_is_served_is_what_was_trained_beside_a_lora_adapter_and_the_bare_base(  # noqa: PLR0917
    base: Path, other: Path, trained: Any, models: dict[bool, LocalModel], method: str, four_bit: bool
):
    model, folder = models[four_bit], trained(method, four_bit)
    bare, lora, tuned = LocalBackend(model), adapted(model, pointer("other", other)), adapted(model, pointer(method, folder))
    assert tuned.adapter == label(method, weights_hash(folder))
    untouched = [served(backend) for backend in (bare, lora)]
    for _ in range(2):  # again after the others had their turn
        assert near(served(tuned), as_trained(base, folder, method, four_bit))
        assert all(near(served(backend), before) for backend, before in zip((bare, lora), untouched, strict=True))
    alone = [say(backend) for backend in (bare, lora, tuned)]
    assert len(set(alone)) == 3
    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(say, [bare, lora, tuned] * 4)) == alone * 4
    tuned.model.drop_adapter(tuned.adapter or "")
    assert [say(bare), say(lora)] == alone[:2]
    assert near(served(bare), untouched[0])
    assert tuned.adapter not in model.labels()


def changed(folder: Path, change: Callable[[dict[str, Any]], None], copy: Path) -> Path:
    """A copy of an adapter with other weights."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(folder, copy)
    (path,) = copy.glob("*.safetensors")
    weights = load_file(path)
    change(weights)
    save_file(weights, path, {"format": "pt"})
    return copy


def no_number(weights: dict[str, Any]) -> None:
    weights[max(weights)].view(-1)[0] = float("inf")


def one_less(weights: dict[str, Any]) -> None:
    del weights[max(weights)]


def one_row_less(weights: dict[str, Any]) -> None:
    name = max(weights, key=lambda key: weights[key].ndim)
    weights[name] = weights[name][1:].contiguous()


def of_no_effect(weights: dict[str, Any]) -> None:
    for name, weight in weights.items():
        if "ia3_l" in name:
            weight.fill_(1)
        elif "lora_B" in name or "lora_E" in name or ".3." in name:
            weight.zero_()


FAMILIES = ("lora", "dora", "adalora", "ia3", "prompt", "prefix", "bottleneck", "full")


@pytest.mark.parametrize("method", FAMILIES)
@pytest.mark.parametrize(
    ("change", "why"),
    [(no_number, "not finite"), (one_less, "missing|is not in|cannot be read"), (one_row_less, "in it|ranks|cannot be opened|size")],
)
def test_weights_that_are_wrong_are_refused(  # noqa: PLR0917
    trained: Any, models: dict[bool, LocalModel], tmp_path: Path, method: str, change: Any, why: str
):
    before = models[False].labels()
    folder = changed(trained(method, False), change, tmp_path / "bad")
    with pytest.raises(BackendRejected, match=why):
        adapted(models[False], pointer("bad", folder)).open()
    assert models[False].labels() == before
    assert say(LocalBackend(models[False]))


@pytest.mark.parametrize("method", ["lora", "adalora", "ia3", "bottleneck", "full"])  # the others never are without effect
def test_one_that_changes_nothing_is_refused(base: Path, trained: Any, models: dict[bool, LocalModel], tmp_path: Path, method: str):
    folder = changed(trained(method, False), of_no_effect, tmp_path / "bad")
    if method == "full":
        shutil.copy(base / "model.safetensors", folder)
    with pytest.raises(BackendRejected, match="changes nothing"):
        adapted(models[False], pointer("bad", folder)).open()


@pytest.mark.parametrize("method", FAMILIES)
def test_one_for_another_base_or_with_other_weights_than_promoted_is_refused(
    trained: Any, models: dict[bool, LocalModel], tmp_path: Path, method: str
):
    folder = Path(shutil.copytree(trained(method, False), tmp_path / "moved"))
    with pytest.raises(BackendRejected, match="should be 00000000; promote it anew"):
        adapted(models[False], Adapter("forged", str(folder), "0" * 64)).open()
    recipe = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
    (folder / "recipe.json").write_text(json.dumps(recipe | {"base": {"name": "x", "sha256": "ab" * 32}}), encoding="utf-8")
    with pytest.raises(BackendRejected, match="another base"):
        adapted(models[False], pointer("moved", folder)).open()


def test_a_fully_tuned_model_is_one_for_its_backends_needs_no_base_and_goes_with_the_last_of_them(base: Path, trained: Any):
    kind, setup, tuned = local_kind(lambda: base), Local(str(base)), pointer("whole", trained("full", False))
    bare = kind.open("local", setup, None)
    one, two = (kind.open(name, setup, tuned) for name in ("local", "canary"))
    assert isinstance(bare, LocalBackend)
    assert isinstance(one, LocalBackend)
    assert isinstance(two, LocalBackend)
    one.open()
    assert say(one) == say(two)
    assert one.model is two.model
    assert (one.window, bare.window) == (1024, 2048)  # which is not known before it is loaded
    assert one.model.labels() == ()
    left = weakref.ref(one.model)
    (thread,) = (each for each in threading.enumerate() if each.name.startswith("local-whole@"))
    del one
    gc.collect()
    assert say(two)
    del two
    gc.collect()
    thread.join(20)
    assert not thread.is_alive()
    gc.collect()
    assert left() is None


def test_trained_tokens_take_their_part_of_the_window(base: Path, trained: Any):
    model = LocalModel(str(base), window=120, patience_s=60)
    for method in ("prompt", "prefix"):
        backend = adapted(model, pointer(method, trained(method, False)))
        backend.open()
        assert backend.window == 100
        assert len("".join(backend.stream(PROMPT, Options(max_tokens=900)))) < 100
    assert LocalBackend(model).window == 120
    model.close()
