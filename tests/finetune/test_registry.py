"""Which adapter answers: one pointer, moved as a whole."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine

from bot.errors import PolicyChanged
from bot.policies import PolicyStore
from bot.policy import Canary, Policy
from bot.tables import metadata as bot
from finetune.errors import BadAdapter, Refused, UnknownRun
from finetune.registry import Registry
from finetune.tables import metadata
from tests.finetune.adapting import adapter

PASS = {"gate": "pass", "why": "better"}


def opened(folder: Path | None = None) -> tuple[Engine, PolicyStore, Registry]:
    engine = create_engine(f"sqlite:///{folder / 'test.db'}" if folder else "sqlite://")
    bot.create_all(engine)
    metadata.create_all(engine)
    policies = PolicyStore(engine)
    return engine, policies, Registry(engine, policies)


@pytest.fixture
def registry() -> Registry:
    return opened()[2]


def ready(registry: Registry, folder: Path, name: str, fill: float) -> None:
    registry.register(name, adapter(folder / name, fill), [f"talk-{name}"])
    registry.evaluated(name, PASS)


def test_a_passed_adapter_is_promoted_and_taken_back_in_one_step(tmp_path: Path, registry: Registry):
    ready(registry, tmp_path, "first", 1.0)
    ready(registry, tmp_path, "second", 2.0)
    policy = registry.promote("first", "local", "lena")
    assert (policy.default, policy.adapters["local"].name) == ("local", "first")
    assert registry.promote("second", "local", "lena").adapters["local"].sha256 == registry.get("second").sha256
    assert registry.rollback("local", "lena", "worse").adapters["local"].name == "first"
    assert registry.rollback("local", "lena").adapters == {}
    assert registry.promote("first", "local", "lena").adapters["local"].name == "first"
    back = registry.rollback("local", "lena")
    assert (back.default, dict(back.adapters)) == (Policy().default, {})
    with pytest.raises(Refused, match="nothing to roll back on local"):
        registry.rollback("local", "lena")
    assert [change["adapter"] for change in registry.history("local")] == [None, "first", None, "first", "second", "first"]


def test_without_a_passed_gate_nothing_is_promoted_unless_somebody_says_why(tmp_path: Path, registry: Registry):
    registry.register("new", adapter(tmp_path / "new"), ["talk-1"])
    with pytest.raises(Refused, match="never evaluated"):
        registry.promote("new", "local", "lena")
    registry.evaluated("new", {"gate": "fail", "why": "it forgot"})
    with pytest.raises(Refused, match="it forgot"):
        registry.promote("new", "local", "lena", override="  ")
    registry.promote("new", "local", "lena", override="a demonstration")
    assert registry.history()[0]["why"] == "promotion of new although it forgot: a demonstration"
    registry.evaluated("new", PASS)
    assert registry.erased(["talk-1", "talk-2"]) == ["new"]
    with pytest.raises(Refused, match="erased since"):
        registry.promote("new", "local", "lena")


def test_a_canary_takes_its_share_and_rollback_takes_it_away(tmp_path: Path, registry: Registry):
    ready(registry, tmp_path, "new", 1.0)
    policy = registry.promote("new", "local", "lena", share=0.1)
    assert (policy.default, policy.canary) == ("extractive", Canary("local", 0.1))
    assert registry.promote("new", "local", "lena").canary is None
    assert registry.rollback("local", "lena").canary is None


def test_who_answers_all_is_no_canary(tmp_path: Path, registry: Registry):
    ready(registry, tmp_path, "first", 1.0)
    ready(registry, tmp_path, "second", 2.0)
    registry.promote("first", "local", "lena")
    with pytest.raises(Refused, match="another local backend on the same base"):
        registry.promote("second", "local", "lena", share=0.1)
    policy = registry.promote("second", "local2", "lena", share=0.1)
    assert (policy.default, policy.canary, {name: one.name for name, one in policy.adapters.items()}) == (
        "local", Canary("local2", 0.1), {"local": "first", "local2": "second"},
    )  # fmt: skip
    with pytest.raises(Refused, match="no canary on local2"):
        registry.widen("local2", policy.adapters["local"], 0.5, "lena", "why")
    assert registry.widen("local2", policy.adapters["local2"], 1.0, "lena", "why").default == "local2"
    back = registry.rollback("local2", "lena", only="second")
    assert (back.default, back.canary, [*back.adapters]) == ("local", None, ["local"])
    with pytest.raises(Refused, match="not with second"):
        registry.rollback("local", "lena", only="second")


def test_changed_weights_are_not_promoted(tmp_path: Path, registry: Registry):
    ready(registry, tmp_path, "new", 1.0)
    adapter(tmp_path / "new", 3.0)
    with pytest.raises(BadAdapter, match="not those that were registered"):
        registry.promote("new", "local", "lena")
    with pytest.raises(UnknownRun, match="there are: new"):
        registry.get("old")


def test_the_name_of_an_answering_adapter_is_not_given_to_another(tmp_path: Path, registry: Registry):
    ready(registry, tmp_path, "new", 1.0)
    registry.promote("new", "local", "lena")
    with pytest.raises(BadAdapter, match="answers customers with other weights"):
        registry.register("new", adapter(tmp_path / "other", 2.0))


def test_of_many_promotions_at_once_one_at_a_time_wins(tmp_path: Path):
    _, policies, registry = opened(tmp_path)
    for number in range(4):
        ready(registry, tmp_path, f"a{number}", float(number + 1))

    def promote(number: int) -> bool:
        try:
            registry.promote(f"a{number % 4}", "local", "lena")
        except PolicyChanged:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(promote, range(16)))
    versions = [version.policy.version for version in policies.history()]
    assert versions == list(range(sum(done), 0, -1))
    assert all(len(version.policy.adapters) == 1 for version in policies.history())


@settings(max_examples=20, deadline=None)
@given(steps=st.lists(st.sampled_from(["a0", "a1", "a2", "back"]), max_size=12))
def test_rollbacks_undo_promotions_in_their_order(tmp_path_factory: pytest.TempPathFactory, steps: list[str]):
    folder = tmp_path_factory.mktemp("registry")
    engine, policies, registry = opened()
    for number in range(3):
        ready(registry, folder, f"a{number}", float(number + 1))
    pile: list[str] = []
    for step in steps:
        if step != "back":
            registry.promote(step, "local", "lena")
            pile += [step] if pile[-1:] != [step] else []
        elif pile:
            registry.rollback("local", "lena")
            pile.pop()
        active = policies.newest().adapters
        assert [one.name for one in active.values()] == pile[-1:]
    engine.dispose()
