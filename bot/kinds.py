"""The kinds of backends that can be set up while the product runs, and what each is set up with.

A package that brings a kind of its own names a `Kind` in the entry-point group `answerdesk.backends`.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar

from bot.backends.base import Backend
from bot.backends.extractive import ExtractiveBackend
from bot.errors import BadPolicy
from bot.policy import Adapter

GROUP = "answerdesk.backends"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of backend.

    setup: a frozen dataclass of what it is set up with; may have `prompt_per_1k` and `reply_per_1k`, the price of 1,000 tokens.
    open: makes the backend from its name, a `setup` and the active adapter, at once: what takes time is done at the first question.
    secrets: fields of `setup` that are never shown.
    """

    name: str
    setup: type[Any]
    open: Callable[[str, Any, Adapter | None], Backend]
    secrets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Hosted:
    """An OpenAI-compatible server by its `url`, or, without one, a LangChain `provider:model`.

    window: prompt and reply together, in tokens. tokenizer: the model's, as a folder with a tokenizer.json or a name on the model hub;
    without one tokens are estimated, on the high side. prompt_per_1k, reply_per_1k: what 1,000 tokens cost.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    model: str
    url: str = ""
    key: str = ""
    window: int = 8192
    tokenizer: str = ""
    prompt_per_1k: float = 0
    reply_per_1k: float = 0

    def __post_init__(self) -> None:
        if not 512 <= self.window <= 4_000_000:
            raise BadPolicy(f"window is {self.window}; allowed: 512 to 4000000 tokens")
        _checked_prices(self)


@dataclass(frozen=True, slots=True)
class Extractive:
    """The built-in backend, which is set up with nothing."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}


def _checked_prices(setup: Any) -> None:
    for name in ("prompt_per_1k", "reply_per_1k"):
        if not 0 <= getattr(setup, name) <= 1e6:
            raise BadPolicy(f"{name} is {getattr(setup, name)}; allowed: 0 to 1000000, the price of 1,000 tokens")


def _open_hosted(name: str, setup: Hosted, _: Adapter | None) -> Backend:
    from bot.backends.hosted import open_hosted

    return open_hosted(setup.url, setup.model, setup.key, setup.window, tokenizer=setup.tokenizer, name=name)


EXTRACTIVE = Kind("extractive", Extractive, lambda name, _setup, _adapter: ExtractiveBackend(name))
HOSTED = Kind("hosted", Hosted, _open_hosted, frozenset({"key"}))


def kinds(points: Iterable[EntryPoint] | None = None) -> dict[str, Kind]:
    """All kinds, by name: the product's own, and those of installed packages but for any that cannot be loaded."""
    found = {kind.name: kind for kind in (EXTRACTIVE, HOSTED)}
    for point in entry_points(group=GROUP) if points is None else points:
        try:
            kind = point.load()
            found.setdefault(kind.name, kind)
        except Exception:  # another's package, which must not keep the product from starting
            logger.exception("the backends of %s (%s) cannot be loaded", point.name, point.value)
    return found


def setup_of(kind: Kind, config: Mapping[str, Any]) -> Any:
    """What a backend is set up with, checked. Raises `BadPolicy`."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind.setup).validate_json(json.dumps(dict(config)), strict=True)
    except ValidationError as error:
        said = error.errors(include_url=False, include_context=False, include_input=False)  # the input may be a key
        known = ", ".join(field.name for field in fields(kind.setup)) or "nothing"
        problems = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}".removeprefix(": ").replace("Value error, ", "") for one in said)
        raise BadPolicy(f"{'; '.join(problems)}. A backend of kind {kind.name} is set up with: {known}") from None
    except (TypeError, ValueError) as error:
        raise BadPolicy(f"the set-up of a backend is not JSON: {error}") from None
