"""The forward pass of a BERT sentence encoder by itself: several texts end to end, without padding, in weights laid out for this processor.

A question is a dozen tokens long. At that size what sentence-transformers and transformers do around the arithmetic costs as much as the
arithmetic, and a plain matrix product reads the weights half as fast as one whose weights were laid out before. Where the processor
multiplies bfloat16 by itself the weights are half as long again, and twice as fast; vectors then are off by a cosine of about .9999.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

_TRIED = ("When do I get my refund for Order 12345?", "退货", "", " Returns \n and refunds, warranty: 24 months. " * 8)
_NEAR = 0.9995  # least cosine to the library's vectors: bfloat16 keeps it, other arithmetic does not


@dataclass(frozen=True, slots=True)
class _Layer:
    """A transformer layer's linear maps, and the weights of its two normalizations."""

    both: "Callable[[Tensor], Tensor]"
    out: "Callable[[Tensor], Tensor]"
    up: "Callable[[Tensor], Tensor]"
    down: "Callable[[Tensor], Tensor]"
    attended: "tuple[Tensor, Tensor]"
    thought: "tuple[Tensor, Tensor]"


class Bert:
    """Token ids in, one vector a text out: the mean of its tokens, of length one. Thread-safe."""

    def __init__(self, weights: "Mapping[str, Tensor]", heads: int, eps: float, *, short: bool | None = None) -> None:
        """weights: of a transformers `BertModel` in float32, by its names. heads: of attention. eps: of the normalizations.
        short: computed in bfloat16; by default where the processor does so natively."""
        import torch

        short = multiplies_short() if short is None else short
        weights = {name: tensor.to(torch.bfloat16 if short else torch.float32) for name, tensor in weights.items()}
        self._heads, self._eps = heads, eps
        self._words = weights["embeddings.word_embeddings.weight"]
        self._places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        self._first = weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"]
        layers = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer."))
        self._layers = [_layer(weights, f"encoder.layer.{number}.") for number in range(layers)]

    def __call__(self, texts: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """texts: the ids of each, special tokens among them, at least one. Returns shape (texts, dimension)."""
        import torch
        from torch.nn import functional as f

        sizes = [len(ids) for ids in texts]
        with torch.inference_mode():
            places = torch.tensor([place for size in sizes for place in range(size)])
            x = self._words[torch.tensor(list(chain.from_iterable(texts)))] + self._places[places]
            x = self._norm(x, self._first)
            for layer in self._layers:
                x = self._norm(x + layer.out(self._attended(layer.both(x), sizes)), layer.attended)
                x = self._norm(x + layer.down(layer.up(x)), layer.thought)
            means = torch.stack([part.mean(dim=0) for part in x.float().split(sizes)])
            return np.asarray(f.normalize(means, dim=1).numpy(), dtype=np.float32)

    def _norm(self, x: "Tensor", weights: "tuple[Tensor, Tensor]") -> "Tensor":
        from torch.nn import functional as f

        return f.layer_norm(x, x.shape[-1:], *weights, self._eps)

    def _attended(self, both: "Tensor", sizes: Sequence[int]) -> "Tensor":
        """What each token takes from the others of its text. both: queries, keys and values side by side. In float32: short texts are
        through before a bfloat16 product has begun, and long ones wait for its softmax."""
        import torch

        wide = both.shape[1] // 3
        scale = (wide // self._heads) ** -0.5
        parts = []
        for part in both.float().split(list(sizes)):
            q, k, v = part.view(len(part), 3, self._heads, -1).permute(1, 2, 0, 3)
            taken = torch.softmax(torch.bmm(q * scale, k.transpose(1, 2)), dim=-1)
            parts.append(torch.bmm(taken, v).transpose(0, 1).reshape(len(part), wide))
        return (parts[0] if len(parts) == 1 else torch.cat(parts)).to(both.dtype)


def multiplies_short() -> bool:
    """Whether this processor multiplies bfloat16 natively; one that only imitates it is slower so."""
    import torch

    can = torch.cpu.get_capabilities()
    return torch.backends.mkldnn.is_available() and bool(can.get("avx512_bf16") or can.get("amx_bf16"))


def bert_of(model: Any, ids: Callable[[Iterable[str]], Sequence[Sequence[int]]]) -> Bert | None:
    """The encoder of a sentence-transformers model, if it is one of this kind: what the two make of some texts is compared.

    ids: the token ids of texts, as the model cuts and marks them.
    """
    kinds = [type(part).__name__ for part in model]
    inner: Any = getattr(model[0], "auto_model", None) if kinds else None
    if kinds != ["Transformer", "Pooling", "Normalize"] or type(inner).__name__ != "BertModel" or any(model.prompts.values()):
        return None
    weights = {name: tensor.detach() for name, tensor in inner.state_dict().items()}
    made = Bert(weights, inner.config.num_attention_heads, inner.config.layer_norm_eps)
    near = min(float((made(ids([text])) @ model.encode([text], show_progress_bar=False).T).item()) for text in _TRIED)
    return made if near > _NEAR else None


def _layer(weights: "Mapping[str, Tensor]", at: str) -> _Layer:
    import torch

    own = [f"{at}attention.self.{name}" for name in ("query", "key", "value")]
    both = [torch.cat([weights[f"{name}.{part}"] for name in own]) for part in ("weight", "bias")]
    out, up, down = (
        [weights[f"{at}{name}.dense.{part}"] for part in ("weight", "bias")] for name in ("attention.output", "intermediate", "output")
    )
    norms = [(weights[f"{at}{name}.LayerNorm.weight"], weights[f"{at}{name}.LayerNorm.bias"]) for name in ("attention.output", "output")]
    return _Layer(_linear(*both), _linear(*out), _linear(*up, gelu=True), _linear(*down), norms[0], norms[1])


def _linear(weight: "Tensor", bias: "Tensor", *, gelu: bool = False) -> "Callable[[Tensor], Tensor]":
    """x -> x @ weight.T + bias, and GELU of it where asked. With oneDNN the weights are laid out for it once, as `torch.compile` does."""
    import torch
    from torch.nn import functional as f

    if torch.backends.mkldnn.is_available():
        packed = torch.ops.mkldnn._reorder_linear_weight(weight)  # noqa: SLF001  (there is no other name for it)
        then: tuple[str, list[float], str] = ("gelu", [], "none") if gelu else ("none", [], "")
        return lambda x: torch.ops.mkldnn._linear_pointwise(x, packed, bias, *then)  # noqa: SLF001
    return (lambda x: f.gelu(f.linear(x, weight, bias))) if gelu else (lambda x: f.linear(x, weight, bias))
