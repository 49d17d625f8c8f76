"""The training config: defaults, what is refused and how, JSON and the command."""

import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.config import TrainConfig, command, config, from_json
from finetune.errors import BadConfig
from finetune.methods import METHODS


def test_qlora_is_the_default_as_it_is_known():
    made = config()
    assert (made.method, made.four_bit, made.r, made.alpha, made.dropout, made.targets) == ("qlora", True, 16, 32, 0.05, ())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"method": "lorra"}, "'lorra'"),
        ({"r": 0}, "r is 0"),
        ({"rank": 8}, "allowed: base, method"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"method": "full", "four_bit": True}, "4 bits cannot be trained"),
        ({"method": "classifier", "four_bit": True}, "4 bits cannot be trained"),
        ({"method": "qlora", "four_bit": False}, "use the method lora"),
        ({"method": "prefix", "checkpointing": True}, "prefix cannot use checkpointing"),
    ],
)
def test_a_wrong_option_is_refused_with_what_is_allowed(values: dict[str, object], said: str):
    with pytest.raises(BadConfig, match="(?s)" + said.replace("(", r"\(")):
        config(**values)


@pytest.mark.parametrize(
    ("given_as", "targets"),
    [("q_proj,v_proj", ("q_proj", "v_proj")), ("all", ()), ("", ()), (["q_proj"], ("q_proj",)), (("all-linear",), ())],
)
def test_targets_are_names_or_all(given_as: object, targets: tuple[str, ...]):
    assert config(targets=given_as).targets == targets


METHODS_IN_FOUR_BIT = [name for name, method in METHODS.items() if not method.refuses_four_bit and name != "qlora"]
OPTIONS = st.fixed_dictionaries(
    {"method": st.sampled_from(METHODS_IN_FOUR_BIT), "four_bit": st.booleans()},
    optional={
        "r": st.integers(1, 512),
        "dropout": st.floats(0, 0.99),
        "targets": st.lists(st.sampled_from(["q_proj", "v_proj", "down_proj"]), max_size=3, unique=True),
        "steps": st.integers(1, 10_000),
        "lr": st.floats(1e-6, 1),
    },
)


@given(OPTIONS)
def test_json_and_back(options: dict[str, object]):
    made = config(**options)
    assert from_json(json.loads(json.dumps(made.to_json()))) == made


@pytest.mark.parametrize("broken", [None, [], "qlora", 3])
def test_a_config_that_is_no_object_is_refused(broken: object):
    with pytest.raises(BadConfig, match="JSON object"):
        from_json(broken)


def test_the_rate_is_the_methods_own_and_rises_for_narrow_models():
    assert config(method="full").rate(4096) == METHODS["full"].lr
    assert config().rate(1024) == pytest.approx(2 * METHODS["qlora"].lr)
    assert config().rate(8192) == METHODS["qlora"].lr
    assert config(lr=0.01).rate(64) == 0.01


def test_the_command_says_what_differs():
    words = shlex.split(command(config(base="my model", method="dora", four_bit=True, targets="q_proj,v_proj", steps=7)))
    assert words[:3] == ["answerdesk", "finetune", "train"]
    assert words[3:] == ["--base", "my model", "--method", "dora", "--four-bit", "--targets", "q_proj,v_proj", "--steps", "7"]
    assert TrainConfig().to_json().keys() == TrainConfig.model_fields.keys()
