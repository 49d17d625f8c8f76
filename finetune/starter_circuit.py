"""Weights that can already copy: a small Qwen2 whose first two layers are set by hand, for training to build upon.

The hidden state holds IDENTITY (which token stands here, in a random code), BEFORE and EARLIER (parts of the codes of the tokens one and
two back), NEAR (the mean of another part over the last dozen telling tokens), TELLING (how telling this token is), and a little room.

    layer 0   head 0 looks one token back and writes BEFORE; head 1 two back and writes EARLIER;
              head 2 looks at the last dozen tokens, the telling ones most, and writes NEAR
    layer 1   head 0 looks where BEFORE is this token, EARLIER the one before, and NEAR alike, and writes that token's IDENTITY:
              what went on there goes on here; head 1 looks at this token itself and takes its IDENTITY away

One looks back and one goes on: the previous-token head and the induction head of Olsson et al. 2022, "In-context learning and induction
heads". NEAR tells the right one of several places, such as the price of this product from that of another. Positions come from rotary
biases: a query and a key that are constants turn against each other with the distance.
"""

import math
from dataclasses import dataclass
from typing import Any

HIDDEN, HEADS, HEAD, SPAN = 256, 3, 128, 2048
THETA = 1e14  # of the rotary embedding: four of five of its frequencies hardly turn within SPAN, and compare contents
IDENTITY, BEFORE, EARLIER, NEAR, TELLING = slice(0, 128), slice(128, 176), slice(176, 196), slice(196, 228), 228
_STEADY = [*range(14, 64), *range(78, 128)]  # the places of a head whose frequencies hardly turn
_SLOW, _LAST = 13, 63  # a frequency that turns by 1/1100 radian a token; the steadiest one
_SHARP, _FAST, _REACH = 16.0, 9, 10.0  # logits a frequency, and how many, to look so many places back; tokens that NEAR reaches back


@dataclass(frozen=True, slots=True)
class Strengths:
    """How strongly the parts act: in logits of attention for a full match, and of the output for a copied token."""

    match: float = 22.0
    earlier: float = 5.0
    near: float = 10.0
    telling: float = 2.0
    copy: float = 3.0


def shape(vocabulary: int, layers: int, **tokens: int) -> Any:
    """The configuration of a Qwen2 with room for the circuit. Every linear layer reads a multiple of 64 numbers: NF4 needs that."""
    from transformers import Qwen2Config

    return Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=HIDDEN,
        intermediate_size=2 * HIDDEN,
        num_hidden_layers=layers,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        head_dim=HEAD,
        max_position_embeddings=SPAN,
        rope_parameters={"rope_type": "default", "rope_theta": THETA},
        tie_word_embeddings=True,
        bos_token_id=None,
        **tokens,
    )


def implant(model: Any, telling: Any, seed: int, strengths: Strengths = Strengths()) -> None:
    """Set the weights of a model of that shape. telling: a share 0..1 for each token id, shape (vocabulary,)."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" not in name:
                weight.copy_(torch.randn(weight.shape, generator=generator) * HIDDEN**-0.5)
            if name.endswith(("o_proj.weight", "down_proj.weight", "bias")):
                weight.zero_()  # so that what is not set by hand adds nothing until it has learned to
        table = model.get_input_embeddings().weight
        table.zero_()
        codes = torch.randn(len(table), 128, generator=generator)
        table[:, IDENTITY] = codes / codes.norm(dim=1, keepdim=True)
        table[:, TELLING] = telling / 2
        first, second = (layer.self_attn for layer in model.model.layers[:2])
        for attention in (first, second):
            for projection in (attention.q_proj, attention.k_proj, attention.v_proj):
                projection.weight.zero_()
        _look_back(first, 0, places=1)
        _pass_on(first, 0, range(48), BEFORE, 1 / 16)
        _look_back(first, 1, places=2)
        _pass_on(first, 1, range(20), EARLIER, 1 / 16)
        _look_around(first, 2, strengths.telling)
        _pass_on(first, 2, range(96, 128), NEAR, 2 / 16)
        _look_alike(second, 0, strengths)
        _pass_on(second, 0, range(128), IDENTITY, strengths.copy / 11)
        _look_back(second, 1, places=0)
        _pass_on(second, 1, range(128), IDENTITY, -1 / 11)


def _look_back(attention: Any, head: int, places: int) -> None:
    """Attend to the token so many places back: cosines of all the fast frequencies are at their height together there alone."""
    size = (_SHARP * HEAD**0.5) ** 0.5
    for frequency in range(_FAST):
        angle = places * THETA ** (-frequency / (HEAD // 2))
        _turning(attention, head, frequency, size, angle)


def _look_around(attention: Any, head: int, telling: float) -> None:
    """Attend to the last tokens, each place back 1 / _REACH logits less, and to telling ones more."""
    step = THETA ** (-_SLOW / (HEAD // 2))
    _turning(attention, head, _SLOW, (HEAD**0.5 / (_REACH * step)) ** 0.5, -math.pi / 2)
    place = head * HEAD + _LAST
    attention.q_proj.bias[place] = HEAD**0.5
    attention.k_proj.weight[place, TELLING] = 2 * telling / 16


def _turning(attention: Any, head: int, frequency: int, size: float, angle: float) -> None:
    """Add size**2 * cos(turn * distance - angle) to the logits before they are divided by sqrt(HEAD)."""
    one, other = head * HEAD + frequency, head * HEAD + frequency + HEAD // 2
    attention.q_proj.bias[one] = size
    attention.k_proj.bias[one], attention.k_proj.bias[other] = size * math.cos(angle), size * math.sin(angle)


def _look_alike(attention: Any, head: int, strengths: Strengths) -> None:
    """Attend to where the token before is this one, and what is near is alike."""
    # What is compared: places of this token, places of the other, logits when all agree, and the product of the two codes then.
    compared = (
        (range(48), _places(BEFORE), strengths.match, 48.0),
        (_places(BEFORE)[:20], _places(EARLIER), strengths.earlier, 20.0),
        (_places(NEAR), _places(NEAR), strengths.near, 20.0),
    )
    spots = iter(_STEADY)
    for here, there, strength, full in compared:
        weight = (strength * HEAD**0.5 / full) ** 0.5
        for ours, theirs in zip(here, there, strict=True):
            spot = head * HEAD + next(spots)
            attention.q_proj.weight[spot, ours] = weight
            attention.k_proj.weight[spot, theirs] = weight


def _pass_on(attention: Any, head: int, codes: range, target: slice, gain: float) -> None:
    """Write these places of the attended token's IDENTITY to `target`."""
    for place, (code, into) in enumerate(zip(codes, _places(target), strict=True)):
        attention.v_proj.weight[head * HEAD + place, code] = 1.0
        attention.o_proj.weight[into, head * HEAD + place] = gain


def _places(part: slice) -> range:
    return range(part.start, part.stop)
