"""A model while it learns: its losses, one optimizer step, and what has to be kept of it to go on later exactly where it was."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from finetune.base import Base
from finetune.batches import Encoded, loader
from finetune.config import TrainConfig
from finetune.errors import Diverged
from finetune.methods import attach

_BROKEN = 5  # steps in a row whose gradient is not a number, until the run is given up
_RANK_MEMORY = ("ipt", "exp_avg_ipt", "exp_avg_unc")  # what AdaLoRA's allocator remembers of the weights' importance
_EVALUATION_TOKENS = 8192  # rows that are only looked at go through the model in batches of about so many tokens


def loss_sum(model: Any, batch: Mapping[str, Any]) -> Any:
    """The summed cross-entropy of the tokens that count, in nats, computed outside the model: one way for all methods.

    Replies are short and stand at the end, so that the model is asked for the logits from the first token on that counts: of a large
    vocabulary those of the whole prompt would be most of the memory, and in small models most of the work.
    """
    import torch

    ids, counted = batch["input_ids"], batch["loss_mask"][:, 1:]
    first = int(counted.any(dim=0).int().argmax())
    kept = ids.shape[1] - first
    # Counted from the end, whatever trained tokens a method puts before the prompt.
    logits = model(input_ids=ids, attention_mask=batch["attention_mask"], logits_to_keep=kept).logits[:, -kept:-1]
    wanted = counted[:, first:]
    return torch.nn.functional.cross_entropy(logits[wanted].float(), ids[:, 1 + first :][wanted], reduction="sum")


def mean_loss(model: Any, rows: Sequence[Encoded], pad: int, device: Any = "cpu") -> float:
    """The mean loss a token over all rows, with dropout off; the model's mode is as before afterwards. NaN for no rows."""
    import torch

    places = sorted(range(len(rows)), key=lambda place: len(rows[place].ids))
    total = count = 0.0
    with evaluating(model), torch.no_grad():
        for batch in loader(rows, list(_filled(rows, places)), pad):
            held = {name: tensor.to(device) for name, tensor in batch.items()}
            total += float(loss_sum(model, held))
            count += float(held["loss_mask"][:, 1:].sum())
    return total / count if count else float("nan")


def _filled(rows: Sequence[Encoded], places: Iterable[int]) -> Iterator[list[int]]:
    """The places, shortest rows first, in batches of a bounded number of tokens."""
    batch: list[int] = []
    for place in places:
        if batch and (len(batch) + 1) * len(rows[place].ids) > _EVALUATION_TOKENS:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """The model in evaluation mode for a while."""
    before = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(before)


class Learner:
    """The model with the method's weights on it, and their optimizer, on the device that Accelerate chooses."""

    def __init__(self, base: Base, config: TrainConfig, steps: int, accelerator: Any) -> None:
        """steps: optimizer steps of the whole run. The new weights depend on the config's seed alone."""
        import torch

        torch.manual_seed(config.seed)
        model = attach(base.model, config, steps)
        if config.checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
            model.enable_input_require_grads()
        self.config = config
        self.pad = base.tokenizer.pad_token_id
        self._accelerator = accelerator
        self._ranks = model.base_model if config.method == "adalora" else None
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        rate = config.rate(base.model.config.get_text_config().hidden_size)
        optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=config.weight_decay)
        self.rate = rate
        self.model, self.optimizer = accelerator.prepare(model, optimizer)
        self._broken = 0

    @property
    def plain(self) -> Any:
        """The model without what Accelerate put around it."""
        return self._accelerator.unwrap_model(self.model)

    def learn(self, batches: Sequence[Mapping[str, Any]], step: int, rate: float) -> float:
        """One optimizer step over the batches, and their mean loss a token. step: its number, from 0.

        What is random in a step depends on the seed and its number alone, so that a resumed run is the run that was not interrupted.
        Raises `Diverged` when the gradient has not been a number for some steps in a row; single ones are skipped.
        """
        import torch

        torch.manual_seed(hash((self.config.seed, step)) % 2**63)
        self.model.train()
        counted = sum(batch["loss_mask"][:, 1:].sum() for batch in batches)
        tokens = float(self._accelerator.reduce(counted, "sum"))
        total = 0.0
        for place, batch in enumerate(batches):
            last = place == len(batches) - 1
            with nullcontext() if last else self._accelerator.no_sync(self.model):
                loss = loss_sum(self.model, batch)
                total += float(loss.detach())
                share = loss * self._accelerator.num_processes / max(tokens, 1.0)
                if last and self._ranks is not None:
                    share = share + self._orthogonality()
                self._accelerator.backward(share)
        self._update(step, rate)
        return float(total * self._accelerator.num_processes / max(tokens, 1.0))

    def _update(self, step: int, rate: float) -> None:
        norm = self._accelerator.clip_grad_norm_(self.model.parameters(), self.config.clip)
        if norm is not None and not bool(norm.isfinite()):
            self._broken += 1
            self.optimizer.zero_grad(set_to_none=True)
            if self._broken >= _BROKEN:
                raise Diverged(
                    f"the gradient has not been a number for {_BROKEN} steps in a row, at step {step + 1}. Use a smaller lr "
                    f"(it was {self.rate:.2g}), or look for rows that are broken."
                )
            return
        self._broken = 0
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        if self._ranks is not None:
            self._ranks.update_and_allocate(step)
        self.optimizer.zero_grad(set_to_none=True)

    def _orthogonality(self) -> Any:
        """AdaLoRA's penalty, which peft adds only to a loss of its own: mean |A A^T - 1| and |B^T B - 1| over its matrices."""
        import torch

        penalties = []
        for name, weight in self.plain.named_parameters():
            if "lora_A" in name or "lora_B" in name:
                product = weight @ weight.T if "lora_A" in name else weight.T @ weight
                penalties.append(torch.linalg.norm(product - torch.eye(len(product), device=product.device)))
        return torch.stack(penalties).mean() * self.plain.active_peft_config.orth_reg_weight

    def weights(self) -> dict[str, Any]:
        """The trainable weights by name."""
        return {name: weight for name, weight in self.plain.named_parameters() if weight.requires_grad}

    def memory(self) -> dict[str, Any]:
        """What the optimizer, and the method, remember of earlier steps."""
        memory = {"optimizer": self.optimizer.state_dict()}
        if self._ranks is not None:
            allocator = self._ranks.rankallocator
            memory["ranks"] = {name: getattr(allocator, name) for name in _RANK_MEMORY}
            memory["pattern"] = self.plain.active_peft_config.rank_pattern
        return memory

    def restore(self, weights: Mapping[str, Any], memory: Mapping[str, Any]) -> None:
        """Go on from what `weights` and `memory` gave earlier."""
        import torch

        with torch.no_grad():
            for name, weight in self.weights().items():
                weight.copy_(weights[name])
        self.optimizer.load_state_dict(memory["optimizer"])
        if self._ranks is not None:
            for name in _RANK_MEMORY:
                setattr(self._ranks.rankallocator, name, memory["ranks"][name])
            self.plain.active_peft_config.rank_pattern = memory["pattern"]
