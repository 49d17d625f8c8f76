"""A causal language model from a folder or a hub name, opened the one way that training and serving share.

In 4 bits it is NF4 with double quantization (Dettmers et al. 2023, "QLoRA") by bitsandbytes, on a GPU or a CPU.
"""

import hashlib
import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.errors import BackendRejected

_HUB_S = 3  # that the model hub has to answer at all
BLOCK = 64  # bitsandbytes quantizes this many weights together; a layer whose inputs do not divide by it comes out wrong on CPUs


@dataclass(frozen=True, slots=True)
class Opened:
    """A model with its tokenizer. notes: what of the request could not be done, for people."""

    model: Any
    tokenizer: Any
    notes: tuple[str, ...] = ()


def open_causal(name: str, *, four_bit: bool, device: str, dtype: Any = None) -> Opened:
    """Open the folder or hub name `name` on `device` (cpu, cuda): safetensors only, and no code from the model's folder.

    dtype: a torch dtype; float32 on a CPU and bfloat16 on a GPU unless given. Raises `BackendRejected`, which says what is allowed.
    """
    import torch
    from transformers import AutoModelForCausalLM

    quiet()
    dtype = dtype or (torch.float32 if device == "cpu" else torch.bfloat16)
    tokenizer = open_tokenizer(name)
    options: dict[str, Any] = {"dtype": dtype, **source(name), "use_safetensors": True}
    try:
        skipped = odd_layers(name) if four_bit else ()
        if four_bit:
            options |= {"quantization_config": _nf4(dtype, skipped), "device_map": {"": device}}
        model, found = AutoModelForCausalLM.from_pretrained(name, **options, output_loading_info=True)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        raise unusable(name, error) from error
    if found["missing_keys"]:  # transformers would draw them at random
        raise unusable(name, ValueError(f"{min(found['missing_keys'])} is not in its files"))
    if not four_bit:
        model = model.to(device)
    keep_autograd(model)
    notes = (f"kept in full precision, as their inputs do not divide by {BLOCK}: {', '.join(skipped)}",) if skipped else ()
    return Opened(model.eval(), tokenizer, notes)


def open_tokenizer(name: str) -> Any:
    """The tokenizer alone; it has a token to pad with. Raises `BackendRejected`."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **source(name))
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        raise unusable(name, error) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def source(name: str) -> dict[str, bool]:
    """Where transformers looks for `name`: no code of its own, and the hub only where that answers: else it would try for a minute."""
    return {"local_files_only": Path(name).is_dir() or not _hub_answers(), "trust_remote_code": False}


@lru_cache(maxsize=1)
def _hub_answers() -> bool:
    """Looked at once by a process. Behind a proxy it cannot be told from here."""
    hub = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")):
        return True
    try:
        socket.create_connection((hub.hostname or "", hub.port or (443 if hub.scheme == "https" else 80)), timeout=_HUB_S).close()
    except OSError:
        return False
    return True


def unusable(name: str, error: Exception) -> BackendRejected:
    """`error` of a loader, for people."""
    first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(" .")
    return BackendRejected(
        f"the model {name!r} cannot be opened: {first}. Allowed: a folder with a transformers causal language model in safetensors, "
        "a model name where a hub can be reached, or starter."
    )


def _nf4(dtype: Any, skipped: tuple[str, ...]) -> Any:
    import bitsandbytes  # noqa: F401  (transformers would say less clearly that it is missing)
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=["lm_head", *skipped],
    )


def odd_layers(name: str) -> tuple[str, ...]:
    """The last part of the names of linear layers that 4 bits cannot hold, read from the configuration alone."""
    from torch import nn

    layers = meta_model(name).named_modules()
    odd = {path.rpartition(".")[2] for path, layer in layers if isinstance(layer, nn.Linear) and layer.in_features % BLOCK}
    return tuple(sorted(odd - {"lm_head"}))


def meta_model(name: str) -> Any:
    """The model without its weights: shapes on the meta device. Raises what transformers raises."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(_configuration(name))


def _configuration(name: str) -> Any:
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(name, **source(name))


def keep_autograd(model: Any) -> None:
    """On CPUs with AVX512-BF16 an evaluation repacks 4-bit weights for a kernel that has no gradient, and training after it goes wrong
    without a sign. Such layers are kept from repacking."""
    for layer in model.modules():
        if hasattr(layer, "support_avx512bf16_for_cpu"):
            layer.support_avx512bf16_for_cpu = False


def filled_cache(model: Any, pairs: Sequence[tuple[Any, Any]], rows: int) -> Any:
    """A cache that begins with the same keys and values for every row. pairs: of each layer, shape (heads, length, head width) each."""
    from transformers import DynamicCache

    cache = DynamicCache(config=model.config)
    for layer, pair in enumerate(pairs):
        cache.update(*(part.expand(rows, *part.shape).contiguous() for part in pair), layer)
    return cache


def folder_of(name: str) -> Path:
    """Where the files of a folder or hub name lie on this machine. Raises `OSError`."""
    from transformers.utils import cached_file

    return Path(name) if Path(name).is_dir() else Path(str(cached_file(name, "config.json"))).parent


def base_hash(name: str, model: Any = None) -> str:
    """SHA-256 of a folder's configuration and weight files; for a hub name, of the name with the commit that was opened, or would be.

    Raises `BackendRejected` for a hub name that cannot be reached.
    """
    digest = hashlib.sha256()
    folder = Path(name)
    if not folder.is_dir():
        try:
            config = model.config if model else _configuration(name)
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise unusable(name, error) from error
        commit = getattr(config, "_commit_hash", "") or ""
        digest.update(f"{name}@{commit}".encode())
        return digest.hexdigest()
    for path in sorted([folder / "config.json", *folder.glob("*.safetensors")]):
        digest.update(path.name.encode())
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    return digest.hexdigest()


def free() -> None:
    """Give back what models that nobody holds any more have left in memory."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def quiet() -> None:
    """Keep what libraries say about missing kernels and progress out of people's sight."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
