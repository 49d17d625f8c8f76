"""What a training run does, in one frozen record that a JSON file can hold."""

import math
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from finetune.errors import BadConfig
from finetune.methods import METHODS

MethodName = Literal["qlora", "lora", "rslora", "dora", "adalora", "ia3", "prompt", "prefix", "bottleneck", "full", "classifier"]
Share = Annotated[float, Field(ge=0, le=1)]

_REFERENCE_WIDTH = 4096  # the hidden size of the 7B models that the methods' learning rates are known for


class TrainConfig(BaseModel):
    """Everything that decides how a run goes, apart from the rows. Checked when it is made.

    Make it with `config(...)` or `from_json(...)`, whose errors are for people.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())

    base: str = Field(default="starter", min_length=1, description="The model to tune: a folder, a hub name, or starter.")
    method: MethodName = Field(default="qlora", description="How it is tuned.")
    four_bit: bool = Field(default=False, description="Whether the base is held in 4 bits (NF4, double quantization); qlora always does.")
    r: int = Field(default=16, ge=1, le=512, description="Rank of the low-rank methods.")
    alpha: int = Field(default=32, ge=1, le=2048, description="Their scale.")
    dropout: float = Field(default=0.05, ge=0, lt=1, description="Share of an adapter's inputs left out at each step.")
    targets: tuple[str, ...] = Field(default=(), description="Linear layers to adapt, such as q_proj; none named: all of them.")
    virtual_tokens: int = Field(default=20, ge=1, le=512, description="Length of a trained prompt or prefix, in tokens.")
    bottleneck: int = Field(default=16, ge=1, le=1024, description="Width of a bottleneck adapter.")

    lr: float | None = Field(default=None, gt=0, le=1, description="Learning rate; empty: the method's own for the model's width.")
    epochs: float = Field(default=3, gt=0, le=1000, description="Passes over the rows, where `steps` is empty.")
    steps: int | None = Field(default=None, ge=1, le=10_000_000, description="Optimizer steps, instead of `epochs`.")
    batch: int = Field(default=4, ge=1, le=1024, description="Rows that go through the model at once.")
    accumulation: int = Field(default=4, ge=1, le=1024, description="Batches to one optimizer step.")
    warmup: Share = Field(default=0.05, description="Share of the steps in which the learning rate rises; then it falls along a cosine.")
    weight_decay: float = Field(default=0.0, ge=0, le=1, description="Weight decay of AdamW.")
    clip: float = Field(default=1.0, gt=0, le=1000, description="Longest gradient; longer ones are scaled down.")
    evaluations: int = Field(default=8, ge=1, le=1000, description="How often in a run the validation loss is measured.")
    patience: int = Field(default=3, ge=1, le=1000, description="Evaluations in a row without a better loss that end the run.")
    seed: int = Field(default=0, ge=0, lt=2**32, description="Of the order, the dropout, the new weights and the augmentation.")
    max_length: int = Field(default=2048, ge=32, le=131_072, description="Longest row in tokens; older turns are left out.")
    augment: Share = Field(default=0.0, description="Share of the questions reworded or misspelled in each epoch.")
    checkpointing: bool = Field(default=False, description="Recompute activations: half the memory, 1.6 times the time.")

    @field_validator("targets", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        """`q_proj,v_proj` as well as a list; `all` and `all-linear` name no layer in particular."""
        names = tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
        return () if names in (("all",), ["all"], ("all-linear",)) else names

    @model_validator(mode="before")
    @classmethod
    def _qlora_is_four_bit(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("method", "qlora") == "qlora":
            return {"four_bit": True, **values}
        return values

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        method = METHODS[self.method]
        if self.method == "qlora" and not self.four_bit:
            raise ValueError("four_bit is false, and qlora is LoRA on a base in 4 bits; use the method lora for one in full precision")
        if self.four_bit and method.refuses_four_bit:
            raise ValueError(f"method {self.method} cannot use four_bit: {method.refuses_four_bit}")
        if self.checkpointing and method.keeps_cache:
            raise ValueError(f"method {self.method} cannot use checkpointing: what it trains lives in the cache that recomputing drops")
        return self

    def rate(self, width: int) -> float:
        """The learning rate for a model of hidden size `width`: as given, or the method's own times the root of 4096 / width.

        The best rate falls as models grow wider (Yang et al. 2022, "Tensor Programs V"); the root is the usual cautious form of it.
        The full 4096 / width learned a shop's manner in a quarter of the rows at width 256, and forgot all else: token F1 on general rows
        fell from .61 to .08, where the root's fell to .55.
        """
        return self.lr or METHODS[self.method].lr * math.sqrt(max(1.0, _REFERENCE_WIDTH / width))

    def to_json(self) -> dict[str, Any]:
        """As plain JSON; `from_json` takes it back."""
        return self.model_dump(mode="json")


def config(**values: Any) -> TrainConfig:
    """A checked `TrainConfig`; values of None are not given. Raises `BadConfig` that names each wrong value and what is allowed."""
    try:
        return TrainConfig(**{name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        raise BadConfig("; ".join(_problem(dict(each)) for each in error.errors())) from None


def from_json(values: object) -> TrainConfig:
    """The config in a parsed JSON file. Raises `BadConfig`."""
    if not isinstance(values, dict):
        raise BadConfig(f"a training config is {type(values).__name__}; it has to be a JSON object with some of: {_allowed()}")
    return config(**{str(name): value for name, value in values.items()})


def _problem(error: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"there is no training option {where!r}; allowed: {_allowed()}"
    if not where:
        return str(error["ctx"]["error"])
    field = TrainConfig.model_fields.get(where.partition(".")[0])
    about = f" ({field.description})" if field and field.description else ""
    return f"{where} is {error['input']!r}: {error['msg']}{about}"


def _allowed() -> str:
    return ", ".join(TrainConfig.model_fields)


def command(config: TrainConfig, data: Path | None = None) -> str:
    """The exact shell command that trains like this, with only what differs from the defaults."""
    import shlex

    default = TrainConfig(base=config.base, method=config.method).to_json()
    words = ["answerdesk", "finetune", "train", "--base", config.base, "--method", config.method]
    for name, value in config.to_json().items():
        if value == default[name]:
            continue
        option = "--" + name.replace("_", "-")
        words += [option] if value is True else [f"--no-{option[2:]}"] if value is False else [option, _word(value)]
    return shlex.join(words + (["--data", str(data)] if data else []))


def _word(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)
