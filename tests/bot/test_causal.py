"""Opening a model in 4 bits: as small as it should be, and with the gradients of what it stands for."""

import socket
from pathlib import Path
from typing import Any

import pytest

from bot import causal
from bot.causal import open_causal
from bot.errors import BackendRejected
from tests.tiny import tiny_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny") / "base", hidden=128)


def linear_layers(model: Any) -> dict[str, Any]:
    from torch import nn

    return {name: layer for name, layer in model.named_modules() if isinstance(layer, nn.Linear) and name != "lm_head"}


def size(layer: Any) -> int:
    """Bytes of a layer's weights, the constants of its quantization counted."""
    state = getattr(layer.weight, "quant_state", None)
    tensors = [layer.weight, *([state.absmax, state.state2.absmax, state.state2.code, state.code] if state else [])]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def test_linear_layers_take_a_seventh_of_their_memory(tmp_path: Path):
    folder = tiny_model(tmp_path / "wide", hidden=512)  # the constants of a small layer weigh more than it
    whole, packed = (linear_layers(open_causal(str(folder), four_bit=four, device="cpu").model) for four in (False, True))
    assert whole.keys() == packed.keys()
    assert all(type(layer).__name__ == "Linear4bit" for layer in packed.values())
    assert sum(map(size, packed.values())) <= 0.15 * sum(map(size, whole.values()))


def tuned(model: Any, seed: int = 3) -> Any:
    """The model with a LoRA adapter that has been somewhere already, in training."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    made = get_peft_model(model, LoraConfig(r=4, task_type="CAUSAL_LM", target_modules="all-linear"))
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in made.named_parameters():
            if "lora_" in name:
                weight.copy_(torch.randn(weight.shape) * 0.05)
    return made


def gradient(model: Any) -> Any:
    """Of all adapter weights in one row, for one batch."""
    import torch

    model.train()
    model.zero_grad()
    ids = torch.randint(40, 120, (4, 48), generator=torch.Generator().manual_seed(5))
    model(input_ids=ids, labels=ids).loss.backward()
    return torch.cat([weight.grad.flatten() for name, weight in model.named_parameters() if "lora_" in name])


def test_gradients_are_those_of_the_dequantized_weights_before_and_after_generating(folder: Path):
    import torch
    from bitsandbytes.functional import dequantize_4bit

    packed = open_causal(str(folder), four_bit=True, device="cpu").model
    reference = open_causal(str(folder), four_bit=False, device="cpu").model
    plain = linear_layers(reference)
    for name, layer in linear_layers(packed).items():
        plain[name].weight.data = dequantize_4bit(layer.weight.data, layer.weight.quant_state).float()
    packed, reference = tuned(packed), tuned(reference)
    wanted = gradient(reference)
    assert torch.cosine_similarity(gradient(packed), wanted, dim=0) >= 0.999
    packed.eval()
    packed.generate(torch.full((1, 4), 50), max_new_tokens=3)
    with torch.no_grad():
        packed(torch.full((1, 4), 50))
    assert torch.cosine_similarity(gradient(packed), wanted, dim=0) >= 0.999


def test_layers_of_an_odd_width_stay_whole_and_are_named(tmp_path: Path):
    opened = open_causal(str(tiny_model(tmp_path / "odd", hidden=96)), four_bit=True, device="cpu")
    assert "q_proj" in opened.notes[0]
    assert "64" in opened.notes[0]
    kinds = {name.rpartition(".")[2]: type(layer).__name__ for name, layer in linear_layers(opened.model).items()}
    assert kinds["q_proj"] == "Linear"
    assert kinds["down_proj"] == "Linear4bit"  # it reads 192


def test_a_model_of_pickles_is_refused(tmp_path: Path):
    folder = tiny_model(tmp_path / "base")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(BackendRejected, match="safetensors"):
        open_causal(str(folder), four_bit=False, device="cpu")


def test_a_hub_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with socket.socket() as hub:
        hub.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{hub.getsockname()[1]}")
        causal._hub_answers.cache_clear()
        assert causal.source("no/such")["local_files_only"]
        hub.listen()
        causal._hub_answers.cache_clear()
        assert not causal.source("no/such")["local_files_only"]
        assert causal.source(str(tmp_path))["local_files_only"]
    causal._hub_answers.cache_clear()
    with pytest.raises(BackendRejected, match=r"cannot be opened: [^.]+[^.]\. Allowed"):
        raise causal.unusable("x", OSError("not in the cached files.."))
