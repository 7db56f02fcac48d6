"""What is used of Hydra and OmegaConf beyond what they document: a release that lacks some of it fails here."""

from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import version

import pytest
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigNode, ConfigStore
from omegaconf import OmegaConf
from omegaconf.errors import ValidationError

from repope_eval.settings.fields import FLAGS, REFUSED, WITH_VALUE


@pytest.mark.parametrize(
    ("path", "use"),
    [
        (
            "hydra._internal.utils:get_args_parser",
            "settings/launching.py tells options from settings with it",
        ),
        (
            "hydra.core.global_hydra:GlobalHydra.config_loader",
            "settings/composition.py lists choices with it",
        ),
        ("hydra.core.config_loader:ConfigLoader.get_group_options", "settings/composition.py lists choices"),
        ("hydra.core.config_store:ConfigNode", "settings/composition.py puts shipped files into the store"),
        (
            "hydra.core.override_parser.overrides_parser:OverridesParser.create",
            "settings/words.py reads words",
        ),
        (
            "hydra.core.override_parser.types:Override.sweep_string_iterator",
            "settings/words.py lists a sweep",
        ),
        (
            "hydra.core.override_parser.types:QuotedString.with_quotes",
            "settings/words.py quotes texts with it",
        ),
        ("hydra.core.override_parser.types:RangeSweep.shuffle", "settings/words.py lists a sweep in order"),
        ("omegaconf.resolvers:oc.env", "settings/schema.py puts it back after naming variables"),
    ],
)
def test_what_is_used_is_there(path: str, use: str) -> None:
    module, _, names = path.partition(":")
    found = import_module(module)
    for name in names.split("."):
        assert hasattr(found, name), f"{path} is not in Hydra {version('hydra-core')}: {use}"
        found = getattr(found, name)


def test_groups_of_the_store_are_dictionaries_of_what_is_taken_out_as_a_copy() -> None:
    """So that settings/composition.py may put one there that reads a file when it is asked for."""
    node = OmegaConf.create({"a": 1})
    store = ConfigStore()
    store.repo["group"] = {"b.yaml": ConfigNode("b.yaml", node, group="group", package=None, provider=None)}
    store.store(group="group", name="c", node={"a": 2})
    assert store.list("group") == ["b.yaml", "c.yaml"]
    loaded = store.load("group/b.yaml")
    assert loaded.node == node
    assert loaded.node is not node


def test_each_option_is_taken_or_refused() -> None:
    """Of those taken it is known whether a value follows, as settings/options.py finds the command behind them."""
    actions = [action for action in get_args_parser()._actions if action.option_strings]
    taken = [action for action in actions if action.dest not in REFUSED]
    assert {action.dest for action in actions} - {action.dest for action in taken} == set(REFUSED)
    alone = {name for action in taken if action.nargs == 0 for name in action.option_strings}
    assert alone == set(FLAGS)
    assert {name for action in taken for name in action.option_strings} - alone == set(WITH_VALUE)


def test_the_options_that_are_looked_at_are_options() -> None:
    """Those that settings/launching.py looks at itself."""
    options = vars(get_args_parser().parse_intermixed_args(["limit=1"]))
    assert {"run", "multirun", "cfg", "resolve", "info", "config_dir", "overrides"} <= set(options)
    assert options["overrides"] == ["limit=1"]


@dataclass
class _Part:
    number: int = 1


@dataclass
class _Whole:
    part: _Part = field(default_factory=_Part)


def test_a_value_that_is_wrong_names_its_key() -> None:
    """By which settings/validation.py says what is expected there."""
    with pytest.raises(ValidationError) as caught:
        OmegaConf.merge(OmegaConf.structured(_Whole), {"part": {"number": "few"}})
    assert caught.value.full_key == "part.number"
