"""The local backend: one base in memory, adapters chosen for each reply, cancelled within a token."""

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from bot.backends.base import Options
from bot.backends.local import Local, LocalBackend, local_kind
from bot.errors import BackendRejected, BackendUnavailable, BadPolicy, ContextOverflow
from bot.local_model import LocalModel
from bot.messages import Message, Prompt
from bot.policy import Adapter
from bot.render import render
from tests.tiny import tiny_adapter, tiny_model, tiny_tokenizer

PROMPT = Prompt((Message("system", "Be brief."), Message("customer", "多久 can I return it?")), "", (), "en")
SHORT = Options(max_tokens=12)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny") / "base")


@pytest.fixture(scope="module")
def folders(base: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    home = tmp_path_factory.mktemp("adapters")
    shapes = [{}, {"use_dora": True}, {"target_modules": ["q_proj", "down_proj"]}, {"use_rslora": True}]
    return [tiny_adapter(base, home / f"a{seed}", seed=seed, **shape) for seed, shape in enumerate(shapes)]


@pytest.fixture(scope="module")
def model(base: Path) -> LocalModel:
    return LocalModel(str(base), patience_s=60)


def say(backend: LocalBackend, options: Options = SHORT) -> str:
    return "".join(backend.stream(PROMPT, options))


def test_four_adapters_interleaved_say_what_each_says_alone(model: LocalModel, folders: list[Path]):
    bare = LocalBackend(model)
    backends = [LocalBackend(model, model.load_adapter(folder.name, folder)) for folder in folders]
    alone = [say(backend) for backend in (bare, *backends)]
    assert len(set(alone)) == 5
    with ThreadPoolExecutor(10) as threads:
        assert list(threads.map(say, [bare, *backends] * 6)) == alone * 6
    for backend in backends:
        model.drop_adapter(backend.adapter or "")
    assert model.labels() == ()
    assert say(bare) == alone[0]
    with pytest.raises(BackendUnavailable, match="dropped"):
        say(backends[0])


def test_prompts_of_all_lengths_share_a_batch(model: LocalModel):
    backend = LocalBackend(model)
    prompts = [replace(PROMPT, messages=(Message("customer", "how long? " * n),)) for n in range(1, 9)]
    alone = ["".join(backend.stream(prompt, SHORT)) for prompt in prompts]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda prompt: "".join(backend.stream(prompt, SHORT)), prompts))
    assert together == alone


def test_an_adapters_name_comes_with_the_hash_of_its_weights(model: LocalModel, folders: list[Path]):
    label = model.load_adapter("returns-v1.2", folders[0])
    assert label.startswith("returns-v1.2@")
    assert len(label) == len("returns-v1.2@") + 8
    assert model.load_adapter("returns-v1.2", folders[0]) == label
    assert model.labels() == (label,)
    with pytest.raises(BackendRejected, match="should be 00000000"):
        model.load_adapter("returns", folders[0], "0" * 64)
    model.drop_adapter(label)


def test_the_same_weights_under_two_names_are_there_once_until_both_are_dropped(model: LocalModel, folders: list[Path]):
    one, two = (model.load_adapter(name, folders[0]) for name in ("one", "two"))
    assert model.labels() == (one, two)
    said = say(LocalBackend(model, one))
    model.drop_adapter(one)
    assert say(LocalBackend(model, two)) == said
    model.drop_adapter(two)
    assert model.labels() == ()


def test_backends_of_one_set_up_share_a_model_and_each_opens_the_policys_adapter_at_its_first_question(base: Path, folders: list[Path]):
    kind = local_kind(lambda: base)
    adapters = [Adapter(f"v{place}", str(folder), sha256(folder)) for place, folder in enumerate(folders[:2])]
    first, second, bare = (kind.open("local", Local("starter"), adapter) for adapter in (*adapters, None))
    assert isinstance(first, LocalBackend)
    assert isinstance(bare, LocalBackend)
    assert (first.name, bare.adapter) == ("local", None)
    assert first.model is bare.model
    assert first.model.labels() == ()
    assert first.adapter == f"v0@{sha256(folders[0])[:8]}"
    first.model.load()
    assert len({"".join(backend.stream(PROMPT, SHORT)) for backend in (first, second, bare)}) == 3
    assert set(first.model.labels()) == {first.adapter, second.adapter}
    forged = kind.open("local", Local("starter"), Adapter("v2", str(folders[2]), "0" * 64))
    with pytest.raises(BackendRejected, match="promote it anew"):
        list(forged.stream(PROMPT, SHORT))


@pytest.mark.parametrize("setup", [{"model": " "}, {"model": "x", "window": 5}])
def test_a_set_up_that_cannot_be_is_refused(setup: dict[str, Any]):
    with pytest.raises(BadPolicy, match=r"allowed|give a folder"):
        Local(**setup)


def sha256(folder: Path) -> str:
    return hashlib.sha256((folder / "adapter_model.safetensors").read_bytes()).hexdigest()


def test_an_adapter_can_be_put_on_at_the_first_question(model: LocalModel, folders: list[Path]):
    backend = LocalBackend(model, "late", opens=lambda: model.load_adapter("late", folders[0]))
    assert model.labels() == ()
    with pytest.raises(BackendUnavailable, match="late"):  # its label is not what the folder's is: the policy's hash was another's
        say(backend)
    model.drop_adapter(model.labels()[0])


def test_cancelling_frees_the_model_within_one_token(model: LocalModel):
    cancel = Event()
    stream = LocalBackend(model).stream(PROMPT, Options(max_tokens=900, cancel=cancel))
    next(stream)
    cancel.set()
    made = model.tokens
    assert list(stream) == []
    assert model.idle.wait(10)
    assert model.tokens <= made + 1


def test_max_tokens_is_kept(model: LocalModel):
    before = model.tokens
    assert len(say(LocalBackend(model), Options(max_tokens=3))) == 3
    assert model.idle.wait(10)
    assert model.tokens == before + 3


def test_a_warm_reply_varies(model: LocalModel):
    backend = LocalBackend(model)
    assert len({say(backend, Options(max_tokens=12, temperature=1.5)) for _ in range(6)}) > 1


def test_tokens_are_counted_as_they_are_sent(model: LocalModel):
    backend = LocalBackend(model)
    assert backend.count("退货") == 6
    assert backend.count_chat(PROMPT.messages) == len(render(tiny_tokenizer(), PROMPT.messages, None).ids)
    assert backend.window == 1024


def test_what_does_not_fit_is_said_to_be_too_long(base: Path):
    backend = LocalBackend(LocalModel(str(base), window=40, patience_s=60))
    with pytest.raises(ContextOverflow, match="takes 39"):
        say(backend)


def test_nothing_is_loaded_before_the_first_question_and_nobody_waits_for_ever(base: Path):
    held = Event()

    def find() -> str:
        held.wait(20)
        return str(base)

    model = LocalModel("slow", find=find, patience_s=0.1)
    backend = LocalBackend(model)
    assert (backend.count("退货"), backend.window, model.labels()) == (6, 2048, ())
    with pytest.raises(BackendUnavailable, match="still being loaded"):
        say(backend)
    held.set()
    model.load()
    assert say(backend)


def test_a_model_that_is_not_there_is_refused_and_found_when_it_comes(tmp_path: Path, base: Path):
    folder = tmp_path / "later"
    backend = LocalBackend(LocalModel(str(folder), patience_s=60))
    with pytest.raises(BackendRejected, match="Allowed: a folder"):
        say(backend)
    folder.symlink_to(base)
    assert say(backend)


def test_a_process_that_ends_lets_a_model_be_loaded_first():
    """torch, cut off while it opens a model, aborts the whole process, and its exit code with it."""
    code = """
import time
from bot.errors import BackendError
from bot.local_model import LocalModel

def find():
    time.sleep(1)
    print("looked", flush=True)
    return "/nowhere"

try:
    LocalModel("late", find=find).load(0)
except BackendError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("late is still being loaded")
    assert done.stdout.splitlines()[1:] == ["looked"]
