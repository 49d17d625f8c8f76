"""Backends that come and go while the product runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import Engine

from bot.backends.base import Backend
from bot.backends.fake import FakeBackend
from bot.errors import BackendRejected, BadPolicy, UnknownBackend
from bot.fleet import Entry, Fleet
from bot.kinds import EXTRACTIVE, HOSTED, Kind, kinds, setup_of
from bot.messages import Tokens
from bot.policies import FRESH_S, PolicyStore
from bot.policy import LAST, Adapter
from bot.tables import metadata
from tests.bot.climbing import VirtualClock
from ui.database import open_engine


@dataclass(frozen=True)
class Script:
    """What a fake is set up with."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    says: str = "Hello."
    secret: str = ""


def opened(name: str, setup: Script, adapter: Adapter | None) -> Backend:
    if adapter and adapter.name == "broken":
        raise BackendRejected(f"{name}: the adapter {adapter.name} does not fit")
    made = FakeBackend((setup.says,), name=name)
    made.adapter = adapter and adapter.name
    return made


FAKE = Kind("fake", Script, opened, frozenset({"secret"}))
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (EXTRACTIVE, HOSTED, FAKE)}
FIXED = {LAST: Entry(LAST, LAST, {}, fixed=True)}
TONE, OTHER, BROKEN = (Adapter(name, f"/adapters/{name}", "0" * 64) for name in ("tone", "other", "broken"))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(tmp_path)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def fleet(engine: Engine) -> Fleet:
    return Fleet(engine, PolicyStore(engine), KINDS, FIXED)


def test_a_backend_is_there_once_it_is_added_and_gone_once_it_is_removed(fleet: Fleet):
    assert list(fleet) == [LAST]
    fleet.add("big", "fake", {"says": "Hi."})
    assert list(fleet) == [LAST, "big"]
    assert fleet["big"] is fleet["big"]
    fleet.remove("big")
    assert (list(fleet), fleet.get("big")) == ([LAST], None)


def test_another_process_has_it_within_half_a_second(engine: Engine, fleet: Fleet):
    clock = VirtualClock()
    other = Fleet(engine, PolicyStore(engine, clock=clock.now), KINDS, FIXED, clock.now)
    assert list(other) == [LAST]
    fleet.add("big", "fake", {})
    clock.advance(FRESH_S)
    assert list(other) == [LAST, "big"]


@pytest.mark.parametrize(
    ("name", "kind", "config", "said"),
    [
        ("a b", "fake", {}, "allowed: 1 to 64 letters"),
        ("big", "warp", {}, "kind is 'warp'; allowed: fake, hosted"),
        ("big", LAST, {}, "allowed: fake, hosted"),
        ("big", "fake", {"say": 1}, "say: Unexpected keyword argument. A backend of kind fake is set up with: says, secret"),
        ("big", "hosted", {"url": "http://127.0.0.1:9/v1"}, "model: Field required"),
        ("big", "hosted", {"model": "m", "window": 3}, "window is 3; allowed: 512 to 4000000"),
        ("big", "hosted", {"model": "m", "prompt_per_1k": -1}, "prompt_per_1k is -1"),
        ("big", "hosted", {"model": "m", "window": "large"}, "window: Input should be a valid integer"),
        (LAST, "fake", {}, "from the settings; choose another name"),
    ],
)
def test_what_cannot_be_set_up_is_refused_with_what_can(fleet: Fleet, name: str, kind: str, config: dict[str, Any], said: str):
    with pytest.raises(BadPolicy, match=said):
        fleet.add(name, kind, config)
    assert list(fleet) == [LAST]


def test_a_url_that_cannot_be_is_refused_and_no_key_is_in_the_message(fleet: Fleet):
    with pytest.raises(BackendRejected, match="must be http"):
        fleet.add("big", "hosted", {"model": "m", "url": "ftp://x", "key": "sk-1"})
    with pytest.raises(BadPolicy) as refused:
        fleet.add("big", "hosted", {"model": 3, "key": ["sk-1"]})
    assert "sk-1" not in str(refused.value)


def test_a_name_is_given_once(fleet: Fleet):
    fleet.add("big", "fake", {})
    with pytest.raises(BadPolicy, match="already"):
        fleet.add("big", "fake", {})


def test_who_has_a_part_or_is_from_the_settings_stays(engine: Engine, fleet: Fleet):
    fleet.add("big", "fake", {})
    PolicyStore(engine).update({"shadow": "big"}, "anna", "look")
    with pytest.raises(BadPolicy, match="'big' is the shadow"):
        fleet.remove("big")
    with pytest.raises(BadPolicy, match="by the settings"):
        fleet.remove(LAST)
    with pytest.raises(UnknownBackend, match="'small' in the database; there are: big"):
        fleet.remove("small")


def test_secrets_are_never_shown(fleet: Fleet):
    entry = fleet.add("big", "fake", {"says": "x", "secret": "sk-1"})
    assert fleet.shown(entry) == {"says": "x", "secret": "***"}
    assert fleet.shown(replace(entry, kind="forgotten")) == {"says": "***", "secret": "***"}


def test_an_adapters_change_opens_the_backend_anew_and_running_turns_keep_the_old_one(engine: Engine):
    policies = PolicyStore(engine)
    fleet = Fleet(engine, policies, KINDS, FIXED)
    fleet.add("local", "fake", {})
    before = fleet["local"]
    policies.update(lambda policy: replace(policy, adapters={"local": TONE}), "anna", "promoted")
    assert (before.adapter, fleet["local"].adapter) == (None, "tone")
    policies.rollback("anna", "worse")
    assert fleet["local"].adapter is None


def test_an_adapter_that_cannot_be_opened_leaves_the_active_one(engine: Engine):
    policies = PolicyStore(engine)
    fleet = Fleet(engine, policies, KINDS, FIXED)
    fleet.add("local", "fake", {})
    for adapter in (TONE, BROKEN):
        policies.update(lambda policy, adapter=adapter: replace(policy, adapters={"local": adapter}), "anna", "promoted")
        assert fleet["local"].adapter == "tone"
    assert "does not fit" in fleet.wrong("local")
    policies.update(lambda policy: replace(policy, adapters={"local": OTHER}), "anna", "mended")
    assert (fleet["local"].adapter, fleet.wrong("local")) == ("other", "")


def test_a_kind_that_is_no_longer_installed_is_told_and_harms_nobody(engine: Engine, fleet: Fleet):
    fleet.add("big", "fake", {})
    bare = Fleet(engine, PolicyStore(engine), {LAST: EXTRACTIVE}, FIXED)
    assert list(bare) == [LAST]
    assert list(bare.entries()) == [LAST, "big"]
    assert "'fake', which nothing installed knows" in bare.wrong("big")


def test_tokens_and_what_they_cost_are_counted_by_the_day(engine: Engine, fleet: Fleet):
    fleet.add("big", "hosted", {"model": "m", "url": "http://127.0.0.1:9/v1", "prompt_per_1k": 0.5, "reply_per_1k": 2})
    fleet.usage.add("big", Tokens(1000, 100))
    fleet.usage.add("big", Tokens(1000, 400))
    assert fleet.spent() == {"big": (2500, 2.0)}
    assert Fleet(engine, PolicyStore(engine), KINDS, FIXED).spent() == fleet.spent()


def test_every_kind_of_the_product_can_be_set_up():
    found = kinds()
    assert {LAST, "hosted"} <= set(found)
    assert setup_of(found["hosted"], {"model": "m"}).window == 8192
