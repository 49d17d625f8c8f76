"""What a local model in 4 bits costs, and that its adapters keep apart: random weights of any shape, made here.

    PYTHONPATH=. python benchmarks/local.py OUT [--width 1024 --inner 2816 --layers 8 --heads 16] [--adapters 4] [--tokens 64]

With CUDA the default shape is that of 7 billion weights (4096, 11008, 32, 32), and the peak of its memory is printed too. Printed:
bytes of the linear layers in NF4 as a share of float32's; the cosine of adapter gradients with those over the dequantized weights, before
and after generating; milliseconds to switch adapters; whether adapters that answer in turn say what each says alone; tokens made after a
cancel; tokens a second, one reply and eight at once. What was made in OUT is used again.
"""

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import torch
from bitsandbytes.functional import dequantize_4bit
from peft import LoraConfig, get_peft_model
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from bot.backends.base import Options
from bot.backends.local import LocalBackend
from bot.causal import open_causal
from bot.local_model import LocalModel
from bot.messages import Message, Prompt

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
PROMPT = Prompt((Message("system", "Be brief."), Message("customer", "How long can I return it? 多久可以退？")), "", (), "en")
SWITCHES = 100
TEMPLATE = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"


def make_base(folder: Path, shape: argparse.Namespace) -> Path:
    """A Llama of this shape with random weights, and a tokenizer of bytes."""
    if (folder / "config.json").exists():
        return folder
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={letter: place for place, letter in enumerate(letters)}, merges=[]))
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    made.add_special_tokens([AddedToken("<pad>"), AddedToken("<end>")])
    marks = {"pad_token": "<pad>", "eos_token": "<end>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, chat_template=TEMPLATE, **marks)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        max_position_embeddings=2048,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    with torch.device(DEVICE):
        model = LlamaForCausalLM(config).to(torch.bfloat16 if DEVICE == "cuda" else torch.float32)
    model.save_pretrained(folder)
    return folder


def make_adapter(base: Path, folder: Path, seed: int) -> Path:
    """A LoRA adapter of rank 16 on all linear layers, with random weights."""
    if not (folder / "adapter_config.json").exists():
        model = adapted(open_causal(str(base), four_bit=False, device=DEVICE).model, seed)
        model.save_pretrained(folder)
    return folder


def adapted(model: Any, seed: int) -> Any:
    draw = torch.Generator().manual_seed(seed)
    model = get_peft_model(model, LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM"))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name:
                weight.copy_(torch.randn(weight.shape, generator=draw) * (0.1 if "lora_B" in name else 0.02))
    return model


def linear(model: Any) -> Iterator[tuple[str, Any]]:
    return ((name, layer) for name, layer in model.named_modules() if isinstance(layer, nn.Linear) and "lm_head" not in name)


def share(model: Any) -> float:
    """Bytes of the linear layers, the constants of their blocks counted, of what they take in float32."""
    held = full = 0
    for _, layer in linear(model):
        weight, state = layer.weight, getattr(layer.weight, "quant_state", None)
        held += weight.numel() * weight.element_size()
        full += 4 * layer.in_features * layer.out_features
        while state is not None:
            held += state.absmax.numel() * state.absmax.element_size() + (state.code.numel() * state.code.element_size())
            state = state.state2
    return held / full


def gradient(model: Any) -> torch.Tensor:
    ids = torch.arange(4, 36, device=DEVICE).reshape(2, 16)
    model.zero_grad()
    logits = model(input_ids=ids).logits[:, :-1]
    nn.functional.cross_entropy(logits.flatten(0, 1).float(), ids[:, 1:].flatten()).backward()
    return torch.cat([weight.grad.double().flatten() for weight in model.parameters() if weight.grad is not None])


def cosines(base: Path) -> tuple[float, float]:
    """Of the adapter's gradients in 4 bits with those over the dequantized weights: before generating, and after."""
    quantized, plain = (open_causal(str(base), four_bit=bits, device=DEVICE, dtype=torch.float32).model for bits in (True, False))
    with torch.no_grad():
        theirs = dict(linear(plain))
        for name, layer in linear(quantized):
            theirs[name].weight.copy_(dequantize_4bit(layer.weight.data, layer.weight.quant_state))
    mine, reference = adapted(quantized, 1).eval(), gradient(adapted(plain, 1).eval())
    found = [gradient(mine)]
    with torch.inference_mode():
        mine.generate(torch.arange(4, 20, device=DEVICE)[None], max_new_tokens=4, do_sample=False)
    found.append(gradient(mine))
    before, after = (float(nn.functional.cosine_similarity(one, reference, dim=0)) for one in found)
    return before, after


def switching(loaded: Any, keys: Sequence[str | None]) -> tuple[float, float]:
    """Milliseconds: the median of many switches, and the longest."""
    took = []
    for number in range(SWITCHES):
        began = time.perf_counter()
        loaded.rack.switch(keys[number % len(keys)])
        took.append(1000 * (time.perf_counter() - began))
    loaded.rack.switch(None)
    return statistics.median(took), max(took)


def say(backend: LocalBackend, tokens: int) -> str:
    return "".join(backend.stream(PROMPT, Options(max_tokens=tokens)))


def rate(model: LocalModel, backend: LocalBackend, at_once: int, tokens: int) -> float:
    """Tokens a second."""
    before, began = model.tokens, time.perf_counter()
    with ThreadPoolExecutor(at_once) as threads:
        list(threads.map(lambda _: say(backend, tokens), range(at_once)))
    return (model.tokens - before) / (time.perf_counter() - began)


def after_cancel(model: LocalModel, backend: LocalBackend) -> int:
    """Tokens made after a reply was cancelled."""
    cancel = Event()
    stream = backend.stream(PROMPT, Options(max_tokens=512, cancel=cancel))
    next(stream)
    cancel.set()
    made = model.tokens
    list(stream)
    model.idle.wait(60)
    return model.tokens - made


def main() -> None:
    seven = DEVICE == "cuda"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    for name, small, large in (("width", 1024, 4096), ("inner", 2816, 11008), ("layers", 8, 32), ("heads", 16, 32)):
        parser.add_argument(f"--{name}", type=int, default=large if seven else small)
    parser.add_argument("--adapters", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=64)
    chosen = parser.parse_args()
    base = make_base(chosen.out / f"base-{chosen.width}-{chosen.layers}", chosen)
    folders = [make_adapter(base, base.parent / f"{base.name}-adapter-{seed}", seed) for seed in range(chosen.adapters)]
    model = LocalModel(str(base), four_bit=True, patience_s=600)
    began = time.perf_counter()
    loaded = model.load(600)
    print(f"{DEVICE}, {chosen.layers} layers of {chosen.width} by {chosen.inner}, loaded in {time.perf_counter() - began:.1f} s")
    print(f"linear layers in NF4: {share(loaded.model):.3f} of float32")
    labels = [model.load_adapter(folder.name, folder) for folder in folders]
    print(
        "switching adapters: {:.2f} ms in the middle, {:.2f} ms at most".format(*switching(loaded, [None, *map(loaded.rack.key, labels)]))
    )
    faces = [LocalBackend(model), *(LocalBackend(model, label) for label in labels)]
    alone = [say(face, chosen.tokens) for face in faces]
    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(lambda face: say(face, chosen.tokens), faces * 4))
    same = sum(one == other for one, other in zip(told, alone * 4, strict=True))
    print(f"{len(faces)} faces ({len(set(alone))} of them differ), in turn: {same} of {len(told)} replies equal those alone")
    print(f"after a cancel: {after_cancel(model, faces[0])} tokens more")
    print(
        f"tokens a second: {rate(model, faces[0], 1, chosen.tokens):.1f} alone, {rate(model, faces[0], 8, chosen.tokens):.1f} eight at once"
    )
    if seven:
        print(f"memory at most: {torch.cuda.max_memory_allocated() / 2**30:.2f} GiB")
    print("gradients, cosine with the dequantized reference: {:.6f}, after generating {:.6f}".format(*cosines(base)))


if __name__ == "__main__":
    main()
