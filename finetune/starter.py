"""The starter model: a small causal language model that this file makes from a seed, so that `local` runs where no hub can be reached.

A demonstration and a test object, not an answerer: it copies single facts out of short pages, in wordings like those it was made with.
"""

import contextlib
import hashlib
import json
import logging
import math
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from bot.render import render
from finetune.starter_circuit import implant, shape
from finetune.starter_talk import Dialogue, dialogues

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
Row = tuple[list[int], list[bool]]

_END, _START, _PAD = "<|im_end|>", "<|im_start|>", "<|endoftext|>"
_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role + '\n' }}"
    "{% if message.role == 'assistant' %}{% generation %}{{ message.content }}<|im_end|>{% endgeneration %}"
    "{% else %}{{ message.content }}<|im_end|>{% endif %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant{{ '\n' }}{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a starter is made by.

    vocabulary: most tokens. steps, batch, rate: of training, the rate its highest. questions: in each dialogue.
    threads: of torch; sums come out in another order with another number, and so do the last digits of the weights.
    """

    seed: int = 7
    vocabulary: int = 3072
    layers: int = 3
    steps: int = 90
    batch: int = 4
    rate: float = 1e-3
    questions: int = 4
    threads: int = 1


def starter(data_dir: Path, recipe: Recipe = Recipe(), progress: Progress | None = None) -> Path:
    """The folder of the starter model under `data_dir`; made there first if need be, by some 85 CPU seconds of one core."""
    folder = data_dir / "models" / f"starter-{_fingerprint(recipe)}"
    if (folder / "config.json").exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = folder.with_name(f".{folder.name}-{uuid4().hex[:8]}")
    try:
        make_starter(beside, recipe, progress)
        with contextlib.suppress(OSError):  # another process was faster: its folder is the same
            beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def make_starter(folder: Path, recipe: Recipe = Recipe(), progress: Progress | None = None) -> None:
    """Make the model from its seed and save it with its tokenizer and recipe. progress: called with steps done and steps in all.

    The same recipe gives the same weights on the same machine.
    """
    import torch
    from transformers import Qwen2ForCausalLM

    threads = torch.get_num_threads()
    torch.set_num_threads(recipe.threads)
    try:
        tokenizer = make_tokenizer(recipe)
        talks = islice(dialogues(recipe.seed, "train", recipe.questions), recipe.steps * recipe.batch)
        rows = [row_of(tokenizer, talk) for talk in talks]
        marks = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
        model = Qwen2ForCausalLM(shape(len(tokenizer), recipe.layers, **marks))
        implant(model, telling(tokenizer, [ids for ids, _ in rows]), recipe.seed)
        _train(model, rows, recipe, progress)
    finally:
        torch.set_num_threads(threads)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    about = {"about": "A demonstration made by Answerdesk from a seed. Not an answerer.", "recipe": asdict(recipe)}
    (folder / "starter.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def _train(model: Any, rows: Sequence[Row], recipe: Recipe, progress: Progress | None) -> None:
    """AdamW over each row once, with a short warm-up and a cosine down to nothing."""
    import torch
    from torch.nn.functional import cross_entropy

    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.rate, betas=(0.9, 0.98), weight_decay=0.01)
    model.train()
    for step in range(recipe.steps):
        rate = recipe.rate * min(1, (step + 1) / 15) * (1 + math.cos(math.pi * step / recipe.steps)) / 2
        for group in optimizer.param_groups:
            group["lr"] = rate
        ids, mask, loss_here = _padded(rows[step * recipe.batch : (step + 1) * recipe.batch], model.config.pad_token_id)
        hidden = model.model(input_ids=ids, attention_mask=mask).last_hidden_state[:, :-1]
        loss = cross_entropy(model.lm_head(hidden[loss_here[:, 1:]]), ids[:, 1:][loss_here[:, 1:]])  # logits of the replies alone
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if progress:
            progress(step + 1, recipe.steps)
    logger.info("starter model made; the loss of its last batch is %.3f", loss.item())


def _padded(rows: Sequence[Row], pad: int) -> tuple[Any, Any, Any]:
    """Token ids, attention mask and loss mask, each of shape (rows, longest)."""
    import torch

    ids = torch.full((len(rows), max(len(row) for row, _ in rows)), pad)
    mask, loss_here = torch.zeros_like(ids), torch.zeros_like(ids, dtype=torch.bool)
    for place, (row, carries) in enumerate(rows):
        ids[place, : len(row)], mask[place, : len(row)] = torch.tensor(row), 1
        loss_here[place, : len(row)] = torch.tensor(carries)
    return ids, mask, loss_here


def _fingerprint(recipe: Recipe) -> str:
    """Eight hex digits of all that a starter is made of: the recipe, the code, and dialogues in the prompt's words of today."""
    package = resources.files("finetune")
    sources = [package.joinpath(f"starter{part}").read_bytes() for part in (".py", "_circuit.py", "_talk.py", ".toml")]
    talks = repr(list(islice(dialogues(recipe.seed, "train"), 4)))
    return hashlib.sha256(b"\0".join([repr(recipe).encode(), *sources, talks.encode()])).hexdigest()[:8]


def make_tokenizer(recipe: Recipe) -> Any:
    """Byte-level BPE over the generated dialogues; a digit or a Chinese character is never joined with its neighbours."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(r"\p{Han}"), "isolated")
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.vocabulary, special_tokens=[_PAD, _START, _END], initial_alphabet=alphabet, show_progress=False, min_frequency=2
    )
    texts = (line.text for talk in islice(dialogues(recipe.seed, "train"), 2000) for line in talk.messages)
    made.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, eos_token=_END, pad_token=_PAD)
    tokenizer.chat_template = _TEMPLATE
    return tokenizer


def telling(tokenizer: Any, rows: Sequence[Sequence[int]]) -> Any:
    """How rare each token is in `rows`, 0 for the commonest and the control tokens, 1 for the rarest; shape (vocabulary,)."""
    import torch

    counts = Counter(token for row in rows for token in row)
    rare = torch.tensor([-math.log(counts[token] + 1) for token in range(len(tokenizer))])
    share = (rare - rare.min()) / (rare.max() - rare.min())
    share[list(tokenizer.added_tokens_decoder)] = 0
    return share


def row_of(tokenizer: Any, talk: Dialogue) -> Row:
    """Token ids of a dialogue and which carry loss: those of every reply, as the serving renderer marks them."""
    last = render(tokenizer, talk.messages[:-1], talk.messages[-1].text)
    mask = list(last.loss_mask)
    for place in range(2, len(talk.messages) - 1, 2):
        for spot, loss in enumerate(render(tokenizer, talk.messages[:place], talk.messages[place].text).loss_mask):
            mask[spot] = mask[spot] or loss
    return list(last.ids), mask
