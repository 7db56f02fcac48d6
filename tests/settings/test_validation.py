"""Settings that are wrong, in the command line's words or in a file of the user's own, each named in a line."""

from pathlib import Path

import pytest
from hydra.core.config_store import ConfigStore
from told_mistakes import MEND, mistakes_in

from repope_eval.errors import RepopeError
from repope_eval.settings.command_settings import RelabelSettings
from repope_eval.settings.commands import COMMANDS
from repope_eval.settings.config import ModelsSettings, ScoreSettings
from repope_eval.settings.fields import fields_by_key
from repope_eval.settings.named_files import choices
from repope_eval.settings.validation import DEEPEST, MOST_BYTES, file_mistake

UNREADABLE = "cannot be read as key=value; a value with special characters goes into quotes: 'key=\"value\"'"
BENCHES = ", ".join(choices("bench"))


@pytest.mark.parametrize(
    "words",
    [
        ["bench=custom", "bench.questions=a.json", "bench.images=b", "bench.relabels=null"],
        ["model.quantization=nf4", "model.device_map=auto", "device=cuda:3", "batch_size=16", "limit=null"],
        ["data_dir='~/data'", "out=/some/where", "resume=false", "protocol=lmms_eval", "engine=sequential"],
        ["bench.variants=[random,popular]", "model.revision=a1b2c3"],
        ["model.name=org/mine", "bench.name='a (b)'"],
        ["hydra.job.chdir=false", "out=x/${now:%Y}/${hydra:runtime.choices.model}"],
    ],
)
def test_right_words_have_none(words: list[str]) -> None:
    assert mistakes_in(*words) == []


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("model=foo", f"model=foo: no such model; {MEND.format('NAME')}"),
        (
            "model=OpenGVLab/InternVL2_5-8B",
            "model=OpenGVLab/InternVL2_5-8B: no such model (did you mean internvl2_5_8b, internvl2_5_78b or "
            "internvl2_5_38b?); " + MEND.format("internvl2_5_8b"),
        ),
        (f"model={'x' * 100_000}", f"model={'x' * 111}...: File name too long"),
        ("hydra.run.dir=/dev/null/x", "hydra.run.dir=/dev/null/x: Not a directory"),
        (
            "hydra.job.name='a\x1b]0;x\x07'",
            r"hydra.job.name='a\x1b]0;x\x07': holds the character \x1b, which no setting of Hydra's needs",
        ),
        (
            "hydra.searchpath=['file:///gone']",
            "hydra.searchpath=['file:///gone']: provider=hydra.searchpath in command-line, path=/gone is not "
            "available.",
        ),
        ("=x", "=x: no such key (--help lists the keys)"),
        ("", "'': a setting is key=value, and a command goes first"),
        (f"limit={'9' * 5_000}", f"limit={'9' * 111}...: {UNREADABLE}"),
        ("mod\x1b[31mel=tiny", rf"mod\x1b[31mel=tiny: {UNREADABLE}"),
        ("bench=repop", f"bench=repop: no such bench (did you mean repope?); there are {BENCHES}"),
        ("model=null", "model=null: one name is expected; `python -m repope_eval models` lists them"),
        ("model.max_tiles=100000", "model.max_tiles=100000: must be at most 128"),
        (
            f"model.system_prompt={'a' * 50_000}",
            "model.system_prompt has 50,000 characters: at most 10,000 are expected",
        ),
        ("workers=100", "workers=100: auto or a number of processes up to 99 is expected"),
        ("model.dtpye=auto", "model.dtpye: no such key (did you mean model.dtype?) (--help lists the keys)"),
        ("dtype=float32", "dtype: no such key (did you mean model.dtype?) (--help lists the keys)"),
        ("xyzzy=1", "xyzzy: no such key (--help lists the keys)"),
        ("limit=few", "limit=few: a whole number or null is expected"),
        ("resume=maybe", "resume=maybe: true or false is expected"),
        ("bench.variants=random", "bench.variants=random: a list such as [A,B] is expected"),
        ("protocol=null", "protocol=null: one of repope, pope, vlmevalkit, lmms_eval, all is expected"),
        ("limit=0", "limit=0: must be at least 1"),
        ("batch_size=0", "batch_size=0: auto or a number of images up to 99999 is expected"),
        ("device=gpu", "device=gpu: auto, cpu, mps, cuda or cuda:N is expected"),
        *[
            (
                f"{word}",
                f"{word}: a name that stays inside the folder of runs, such as mine or org/mine, is expected",
            )
            for word in (
                "model.name=../../x",
                "model.name=/x",
                "model.name=a/../b",
                "bench.name=a//b",
                "bench.name=.x",
            )
        ],
        ("+limit=3", "+limit=3: every key has a value already, write limit=... without the +"),
        ("~limit", "~limit: every key has a value already, write limit=... without the ~"),
        ("score", "score: a setting is key=value, and a command goes first"),
        (
            "hydra/launcher=submitit_slrm",
            "hydra/launcher=submitit_slrm: no such hydra/launcher (did you mean submitit_slurm?); there are basic, "
            "submitit_local, submitit_slurm",
        ),
        ("hydra.foo=1", "hydra.foo=1: no such key"),
        ("model=tiny,foo", "model=tiny,foo: several values, which need -m: one run for each"),
    ],
)
def test_each_mistake_has_its_line(word: str, line: str) -> None:
    assert mistakes_in(word) == [line]


def test_every_number_of_every_command_has_a_least_value() -> None:
    """What is below one is told by it, as `limit=0` is."""
    fields = {key: field for record in COMMANDS.values() for key, field in fields_by_key(record).items()}
    numbers = {key: field.metadata for key, field in fields.items() if field.kinds & {int, float}}
    assert len(numbers) > 15
    assert [key for key, limits in numbers.items() if "minimum" not in limits] == []


def test_a_group_without_a_choice_has_no_values_to_set() -> None:
    assert mistakes_in("model.max_tiles=3", "model=tiny", record=ModelsSettings) == []
    line = "model.max_tiles=3: of which model? Give model=NAME as well; `python -m repope_eval models` lists them"
    assert mistakes_in("model.max_tiles=3", record=ModelsSettings) == [line]


def test_no_mistake_hides_another() -> None:
    words = ("limit=0", "modle=tiny", "bench=repop", "model=foo", "device=gpu", "resume=maybe", "out=a(b")
    found = mistakes_in(*words)
    assert len(found) == len(words)
    assert all(any(line.startswith(word.partition("=")[0]) for line in found) for word in words)


@pytest.mark.parametrize(
    ("record", "lines"), [(ScoreSettings, ["answers"]), (RelabelSettings, ["questions", "annotators", "out"])]
)
def test_required_keys_are_asked_for(record: type, lines: list[str]) -> None:
    assert mistakes_in(record=record) == [f"{key} is required: give {key}=..." for key in lines]


def test_a_list_written_without_brackets_is_told_so() -> None:
    given = ("questions=a", "annotators=b,c", "out=d")
    assert mistakes_in(*given, record=RelabelSettings) == [
        "annotators=b,c: several values, which need -m: one run for each; a list is written annotators=[A,B]"
    ]


def test_each_value_of_a_sweep_is_checked() -> None:
    assert mistakes_in(
        "model=tiny,foo,internvl2_5_1b", "limit=1,x,0", "out=${model.name}/${limit}", sweep=True
    ) == [
        f"model=foo: no such model; {MEND.format('NAME')}",
        "limit=x: a whole number or null is expected",
        "limit=0: must be at least 1",
    ]


def test_a_sweep_may_be_written_in_each_of_hydras_ways() -> None:
    out = "out=${model.name}/${limit}"
    assert mistakes_in("model=glob(internvl2_5_?b)", "limit=range(1,3)", out, sweep=True) == []
    assert mistakes_in("model=choice(tiny,internvl2_5_1b)", sweep=True) == []


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["limit=shuffle(range(1,1e9))"],
            "limit=shuffle(range(1,1e9)): a sweep of more than 1,000 runs; no more can be started at once",
        ),
        (["limit=range(1,3,0)"], "limit=range(1,3,0): range() arg 3 must not be zero"),
        (
            [f"{key}=range(1,7)" for key in ("limit", "verify", "model.max_tiles", "model.max_new_tokens")],
            "-m: a sweep of more than 1,000 runs; no more can be started at once",
        ),
    ],
)
def test_a_sweep_without_end_is_refused_before_it_is_composed(words: list[str], line: str) -> None:
    assert mistakes_in(*words, sweep=True) == [line]


def test_a_glob_that_matches_nothing_is_a_mistake() -> None:
    assert mistakes_in("model=glob(flamingo*)", sweep=True) == [
        "model=glob(flamingo*): matches nothing; `python -m repope_eval models` lists them"
    ]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["engine=shared,sequential"],
            "out=runs/demo/tiny: 2 runs of the sweep would write there; give each its own, such as "
            "'out=runs/${bench.name}/${model.name}/${engine}'",
        ),
        (
            ["model=tiny,internvl2_5_1b", "bench=demo,custom", "out=here"],
            "out=here: 4 runs of the sweep would write there; give each its own, such as "
            "'out=here/${model.name}/${bench.name}'",
        ),
        (["bench=demo,demo"], "out=runs/demo/tiny: 2 runs of the sweep would write there; name each once"),
    ],
)
def test_runs_of_a_sweep_may_not_share_a_folder(words: list[str], line: str) -> None:
    assert mistakes_in(*words, sweep=True) == [line]


def test_settings_of_a_launcher_may_stand_before_it() -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    words = ["hydra.launcher.partition=gpu", "hydra/launcher=submitit_slurm", "limit=1,2", "out=x/${limit}"]
    assert mistakes_in(*words, sweep=True) == []


def test_a_launcher_that_is_not_installed_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    mistakes_in()  # Hydra looks for its plugins once
    launchers = ConfigStore.instance().repo["hydra"]["launcher"]
    monkeypatch.delitem(launchers, "submitit_slurm.yaml", raising=False)
    word = "hydra/launcher=submitit_slurm"
    with pytest.raises(RepopeError) as caught:
        mistakes_in("hydra.launcher.timeout_min=5", word, sweep=True)
    assert (
        str(caught.value)
        == f"{word}: not installed; pip install '.[slurm]' in a copy of this program's repository"
    )


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
