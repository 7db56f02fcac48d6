from dataclasses import FrozenInstanceError, dataclass
from typing import Any, Literal

import pytest
from omegaconf import MISSING, OmegaConf

from repope_eval.errors import RepopeError
from repope_eval.settings.config import ScoreSettings
from repope_eval.settings.fields import fields_by_key, setting
from repope_eval.settings.schema import problems, schema_of, settings_from


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    name: str = setting("what it is called")
    fuel: Literal["petrol", "diesel"] = setting("what it burns", "petrol")
    cylinders: int = setting("how many", 4, minimum=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Car:
    engine: Engine = setting("what drives it", choice="small")
    owner: str | None = setting("whose it is", None)
    gear: Literal["auto"] | Literal["manual"] = setting("how gears change", "auto")
    plate: str = setting("registration", "A1", pattern=r"[A-Z]\d+", form="a letter and a number")
    axles: tuple[str, ...] = setting("front and rear", ("front", "rear"), length=2)
    spare: bool = setting("whether a spare wheel is there", True)
    tank: float | None = setting("litres", None, maximum=90)


def _composed(*, named: bool = True, **values: Any) -> Any:
    engine = {"name": "small"} if named else {}
    schema = OmegaConf.structured(schema_of(Car))
    return OmegaConf.merge(schema, {"engine": engine}, values)


def test_schema_has_the_fields_and_defaults_of_the_record() -> None:
    schema = OmegaConf.structured(schema_of(Car))
    assert OmegaConf.to_container(schema) == {
        "engine": MISSING,
        "owner": None,
        "gear": "auto",
        "plate": "A1",
        "axles": ["front", "rear"],
        "spare": True,
        "tank": None,
    }


def test_nested_settings_that_no_group_sets_have_their_defaults() -> None:
    schema = OmegaConf.structured(schema_of(ScoreSettings))
    assert OmegaConf.to_container(schema.columns) == dict.fromkeys(
        ("image", "question", "response", "question_id")
    )
    merged = OmegaConf.merge(schema, {"columns": {"response": "said"}})
    assert OmegaConf.to_container(merged.columns)["response"] == "said"


def test_schemas_of_one_record_share_no_list() -> None:
    first, second = (OmegaConf.structured(schema_of(Car)) for _ in range(2))
    first.axles.append("middle")
    assert list(second.axles) == ["front", "rear"]


def test_record_comes_back_frozen_with_tuples() -> None:
    car = settings_from(Car, _composed(owner="me", axles=["a", "b"]))
    assert car == Car(engine=Engine(name="small"), owner="me", axles=("a", "b"))
    with pytest.raises(FrozenInstanceError):
        car.owner = "you"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        car.engine.cylinders = 8  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"gear": "automatic"}, "gear=automatic: allowed are auto, manual (did you mean auto?)"),
        (
            {"engine": {"fuel": "desel"}},
            "engine.fuel=desel: allowed are petrol, diesel (did you mean diesel?)",
        ),
        ({"engine": {"cylinders": 0}}, "engine.cylinders=0: must be at least 1"),
        ({"tank": 91}, "tank=91.0: must be at most 90"),
        ({"named": False}, "engine.name is required: give engine.name=..."),
        ({"plate": ""}, "plate=: a letter and a number is expected"),
        ({"owner": ""}, "owner= is empty: give it a value or null, or leave it out"),
        ({"named": False, "engine": {"name": ""}}, "engine.name= is empty: give it a value, or leave it out"),
        ({"axles": ["a"]}, "axles: 2 are expected, not 1"),
        ({"owner": "${nobody}"}, "owner=${nobody}: Interpolation key 'nobody' not found"),
    ],
)
def test_each_kind_of_problem_has_its_line(values: dict[str, Any], line: str) -> None:
    assert list(problems(Car, _composed(**values))) == [line]


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(RepopeError) as caught:
        settings_from(Car, _composed(named=False, gear="x", plate="1", engine={"cylinders": -1}))
    assert [line.split(" ")[0] for line in str(caught.value).splitlines()] == [
        "engine.name",
        "engine.cylinders=-1:",
        "gear=x:",
        "plate=1:",
    ]


def test_missing_values_are_no_problems_of_an_incomplete_configuration() -> None:
    composed = _composed(named=False, gear="x")
    assert list(problems(Car, composed, complete=False)) == ["gear=x: allowed are auto, manual"]


def test_a_value_that_repeats_a_missing_one_is_no_second_problem() -> None:
    composed = _composed(named=False, owner="${engine.name}")
    assert list(problems(Car, composed)) == ["engine.name is required: give engine.name=..."]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("engine.fuel", "one of petrol, diesel"),
        ("engine.cylinders", "a whole number"),
        ("tank", "a number or null"),
        ("owner", "a text or null"),
        ("axles", "a list such as [A,B]"),
        ("spare", "true or false"),
    ],
)
def test_what_is_expected_is_said_in_words(key: str, words: str) -> None:
    assert fields_by_key(Car)[key].expected == words


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    name: str = setting("stands in files", "a", is_public=True)
    text: str = setting("of several lines", "a", has_lines=True)
    folder: str = setting("a place", "a")
    share: float = setting("a number", 0.5, minimum=0, maximum=1)
    others: tuple[str, ...] = setting("more", ())


def _sign(**values: Any) -> Any:
    return OmegaConf.merge(OmegaConf.structured(schema_of(Sign)), values)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"folder": "a\nb"}, r"folder=a\nb: holds the character \n, which no name or path may hold"),
        (
            {"folder": "a\udcffb"},
            r"folder=a\udcffb: holds the character \udcff, which no name or path may hold",
        ),
        (
            {"text": "a\n\tb\x1b"},
            r"text=a\n\tb\x1b: holds the character \x1b, which no name or path may hold",
        ),
        (
            {"folder": "~nobody-of-that-name/x"},
            "folder=~nobody-of-that-name/x: there is no such user, whose folder could be meant; write the path out",
        ),
        (
            {"name": "${oc.env:TOKEN}"},
            "name=${oc.env:TOKEN}: stands in the files of a run as it is, and values of environment variables are kept "
            "out of them; write it out",
        ),
        (
            {"folder": "${oc.env:UNSET}"},
            "folder=${oc.env:UNSET}: Environment variable 'UNSET' not found; set it",
        ),
        ({"share": float("nan")}, "share=nan: a number is expected"),
        ({"share": float("inf")}, "share=inf: must be at most 1"),
    ],
)
def test_a_text_or_number_that_no_run_could_use_is_refused(
    values: dict[str, Any], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "s3cret")
    found = list(problems(Sign, _sign(**values)))
    assert found[0] == line


@pytest.mark.parametrize("text", ["~", "~/x", "模 (7B)", "a\n\tb", "~nobody-of-that-name is a text"])
def test_a_text_of_several_lines_may_hold_any_that_are_seen(text: str) -> None:
    assert not list(problems(Sign, _sign(text=text)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Garage:
    cars: str | tuple[str, ...] = setting("one or several")
    keys: str | tuple[str, ...] | None = setting("of the cars", None)


def _garage(**values: Any) -> Any:
    return OmegaConf.merge(OmegaConf.structured(schema_of(Garage)), values)


@pytest.mark.parametrize(
    ("value", "expected_value"), [("a", "a"), (["a"], ("a",)), (["a", 7], ("a", "7")), ("a,b", "a,b")]
)
def test_a_field_may_take_a_text_or_a_list(value: Any, expected_value: str | tuple[str, ...]) -> None:
    garage = settings_from(Garage, _garage(cars=value))
    assert garage == Garage(cars=expected_value, keys=None)
    assert isinstance(garage.cars, type(expected_value))


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (None, "cars=None: a text or a list such as [A,B] is expected"),
        (["a", ["b"]], "cars=['a', ['b']]: a text or a list such as [A,B] is expected"),
        ([], "cars=[]: holds nothing; a text or a list such as [A,B] is expected"),
        ("", "cars=: holds nothing; a text or a list such as [A,B] is expected"),
    ],
)
def test_what_is_neither_a_text_nor_a_list_of_texts_is_refused(value: Any, line: str) -> None:
    assert list(problems(Garage, _garage(cars=value))) == [line]


def test_a_text_or_list_is_missing_where_it_is_not_given() -> None:
    assert list(problems(Garage, _garage())) == ["cars is required: give cars=..."]
    fields = fields_by_key(Garage)
    assert fields["cars"].is_text_or_list
    assert fields["keys"].expected == "a text or a list such as [A,B] or null"
    assert not fields_by_key(Car)["axles"].is_text_or_list
    assert not fields_by_key(Car)["owner"].is_text_or_list
