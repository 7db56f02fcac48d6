"""Mistakes in a user's own configuration files, each a line that says which file and what would be right."""

from pathlib import Path

import pytest
from told_mistakes import MEND, mistakes_in

from repope_eval.settings.validation import DEEPEST, MOST_BYTES, file_mistake


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("famly: a", "model=mine: model.famly in its file: no such key (did you mean model.family?)"),
        ("max_new_tokens: 0", "model.max_new_tokens=0: must be at least 1"),
        ("family: ???", "model.family is required: give model.family=..."),
    ],
)
def test_mistakes_in_an_own_file_are_found(own: Path, content: str, line: str) -> None:
    rest = "checkpoint: here\n" + ("" if content.startswith("fam") else "family: internvl2_5\n")
    (own / "model" / "mine.yaml").write_text(f"{content}\n{rest}")
    assert mistakes_in("model=mine", own=own) == [line]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a: [here\n", "expected ',' or ']', but got '<stream end>' in \"{path}\", line 2, column 1"),
        ("family: a\nfamily: b\n", 'found duplicate key family in "{path}", line 2, column 1'),
        ("defaults: 5\n", "Invalid defaults list in 'model/mine', defaults must be a list (got int)"),
        (f"a: {'9' * 5000}", "use sys.set_int_max_str_digits() to increase the limit"),
        ("a: ${\n", "no viable alternative at input '${'"),
    ],
)
def test_an_own_file_that_no_parser_takes_is_one_line(own: Path, content: str, reason: str) -> None:
    path = own / "model" / "mine.yaml"
    path.write_text(content)
    (line,) = mistakes_in("model=mine", own=own)
    assert line.startswith("model=mine: ")
    assert line.endswith(reason.replace("{path}", str(path)))
    assert "\n" not in line


def test_what_an_own_files_defaults_name_is_not_the_file_itself(own: Path) -> None:
    (own / "model" / "mine.yaml").write_text("defaults:\n  - gone\nfamily: internvl2_5\n")
    assert mistakes_in("model=mine", own=own) == [
        "model=mine: its file's defaults name model/gone, which is not there"
    ]


def test_what_an_own_file_lacks_is_found_for_each_run_of_a_sweep(own: Path) -> None:
    (own / "model" / "mine.yaml").write_text("family: internvl2_5\n")
    for words in ("model=mine,tiny", "model=tiny,mine"):
        assert mistakes_in(words, own=own, sweep=True) == [
            "model.checkpoint is required: give model.checkpoint=..."
        ]


def test_an_own_file_is_among_the_choices(own: Path) -> None:
    (own / "model" / "mine.yaml").write_text("family: internvl2_5\ncheckpoint: here\n")
    assert mistakes_in("model=min", own=own) == [
        f"model=min: no such model (did you mean mine?); {MEND.format('mine')}"
    ]


def test_hydras_own_search_path_is_heeded(own: Path) -> None:
    (own / "model" / "mine.yaml").write_text("family: internvl2_5\ncheckpoint: here\n")
    assert mistakes_in("model=mine", f"hydra.searchpath=['file://{own}']") == []


BOMB = b"a: &a [x, x, x]\nb: &b [*a, *a, *a]\n"
"""Ten such lines would be thousands of millions of nodes."""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty; its settings are expected, key: value in each line"),
        (b"family: internvl2_5\nsystem_prompt: |\n  two\n  lines\ndefaults: [tiny]\n", None),
        (b"\x89PNG\r\n\x1a\n", "is a PNG image, not text; is it the right file?"),
        (b"- family\n", "line 1: key: value is expected, in each line"),
        (BOMB, "line 2: repeats a node by *a; write it out, or refer to a key with ${KEY}"),
        (b"a: " + b"[" * 1000, f"line 1: is nested deeper than {DEEPEST} levels; settings have two"),
        (b"a: " + b"x" * MOST_BYTES, "has 100,003 bytes; a configuration file has 100,000 at most"),
    ],
)
def test_an_own_file_that_is_no_configuration_says_why(
    tmp_path: Path, content: bytes, reason: str | None
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    assert file_mistake(tmp_path, "mine") == (None if reason is None else f"{path}: {reason}")


@pytest.mark.parametrize("word", ["model=mine", "model=mine.yml", "model=tiny"])
def test_an_own_file_of_another_ending_is_told_to_be_renamed(own: Path, word: str) -> None:
    """Hydra reads `.yaml` alone: the model would be said not to exist, or the shipped one would be taken."""
    name = word.removeprefix("model=").removesuffix(".yml")
    path = own / "model" / f"{name}.yml"
    path.write_text("family: internvl2_5\ncheckpoint: here\n")
    assert mistakes_in(word, own=own) == [f"{word}: there is {path}; rename it to {name}.yaml"]


def test_an_own_file_that_is_no_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    for name in ("folder", "device.yaml"):
        assert file_mistake(tmp_path, name) == f"{tmp_path / name.removesuffix('.yaml')}.yaml: is no file"
    assert file_mistake(tmp_path, "gone") is None
    assert file_mistake(tmp_path, "x" * 100_000) is None
