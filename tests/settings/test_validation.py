from pathlib import Path
from typing import Any

import pytest
from hydra.core.config_store import ConfigStore

from repope_eval.errors import RepopeError
from repope_eval.settings.composition import register
from repope_eval.settings.config import (
    BuildSettings,
    DataSettings,
    DoctorSettings,
    ModelsSettings,
    RelabelSettings,
    RunSettings,
    ScoreSettings,
)
from repope_eval.settings.shipped_files import choices
from repope_eval.settings.validation import DEEPEST, MOST_BYTES, file_mistake, find_mistakes

MEND = (
    "`python -m repope_eval models` lists them, and another checkpoint of a family that is among them is model={} "
    "model.checkpoint=FOLDER_OR_ID, or a file of your own with --config-dir"
)
UNREADABLE = "cannot be read as key=value; a value with special characters goes into quotes: 'key=\"value\"'"
BENCHES = ", ".join(choices("bench"))


@pytest.fixture(autouse=True)
def _groups_of_one_record_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of the command line registers one record; this one registers several."""
    for group in ("model", "bench"):
        monkeypatch.setitem(ConfigStore.instance().repo, group, {})
        monkeypatch.delitem(ConfigStore.instance().repo, group)


def _mistakes(
    *words: str, record: Any = RunSettings, own: Path | None = None, sweep: bool = False
) -> list[str]:
    register(record, own)
    return find_mistakes(record, words, own, multirun=sweep)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["model=tiny", "bench=demo"],
        ["bench=custom", "bench.questions=a.json", "bench.images=b", "bench.relabels=null"],
        ["model.quantization=nf4", "model.device_map=auto", "device=cuda:3", "batch_size=16", "limit=null"],
        ["data_dir='~/data'", "out=/some/where", "resume=false", "protocol=lmms_eval", "engine=sequential"],
        ["bench.variants=[random,popular]", "model.revision=a1b2c3"],
        ["limit=3", "limit=4"],
        ["model.name=org/mine", "bench.name='a (b)'"],
        ["hydra.job.chdir=false", "out=x/${now:%Y}/${hydra:runtime.choices.model}"],
    ],
)
def test_right_words_have_none(words: list[str]) -> None:
    assert _mistakes(*words) == []


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("model=foo", f"model=foo: no such model; {MEND.format('NAME')}"),
        (
            "model=internvl2_5_3b",
            "model=internvl2_5_3b: no such model (did you mean internvl2_5_38b, internvl2_5_8b or internvl2_5_4b?); "
            + MEND.format("internvl2_5_38b"),
        ),
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
        ("limit=a\nb", rf"limit=a\nb: {UNREADABLE}"),
        ("bench=repop", f"bench=repop: no such bench (did you mean repope?); there are {BENCHES}"),
        ("model=", f"model=: no such model; {MEND.format('NAME')}"),
        ("model=null", "model=null: one name is expected; `python -m repope_eval models` lists them"),
        ("model=[tiny]", "model=[tiny]: one name is expected; `python -m repope_eval models` lists them"),
        ("bench={a:1}", f"bench={{a:1}}: one name is expected; there are {BENCHES}"),
        ("model.max_tiles=100000", "model.max_tiles=100000: must be at most 128"),
        ("model.max_new_tokens=1000000000", "model.max_new_tokens=1000000000: must be at most 32768"),
        (
            f"model.system_prompt={'a' * 50_000}",
            "model.system_prompt has 50,000 characters: at most 10,000 are expected",
        ),
        (
            f"model.question_suffix={'a' * 50_000}",
            "model.question_suffix has 50,000 characters: at most 10,000 are expected",
        ),
        ("batch_size=100000", "batch_size=100000: auto or a number of images up to 99999 is expected"),
        ("workers=100", "workers=100: auto or a number of processes up to 99 is expected"),
        ("device=cuda:1000", "device=cuda:1000: auto, cpu, mps, cuda or cuda:N is expected"),
        ("modle=tiny", "modle: no such key (did you mean model?) (--help lists the keys)"),
        ("model.dtpye=auto", "model.dtpye: no such key (did you mean model.dtype?) (--help lists the keys)"),
        ("dtype=float32", "dtype: no such key (did you mean model.dtype?) (--help lists the keys)"),
        ("xyzzy=1", "xyzzy: no such key (--help lists the keys)"),
        ("limit=few", "limit=few: a whole number or null is expected"),
        ("limit=1.5", "limit=1.5: a whole number or null is expected"),
        ("limit=[1]", "limit=[1]: a whole number or null is expected"),
        ("resume=maybe", "resume=maybe: true or false is expected"),
        ("bench.variants=random", "bench.variants=random: a list such as [A,B] is expected"),
        ("protocol=null", "protocol=null: one of repope, pope, vlmevalkit, lmms_eval, all is expected"),
        (
            "protocol=pop",
            "protocol=pop: allowed are repope, pope, vlmevalkit, lmms_eval, all (did you mean pope?)",
        ),
        ("model.dtype=fp16", "model.dtype=fp16: allowed are auto, float32, bfloat16, float16"),
        ("limit=0", "limit=0: must be at least 1"),
        ("limit=-3", "limit=-3: must be at least 1"),
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
        ("workers=100000", "workers=100000: auto or a number of processes up to 99 is expected"),
        ("out=", "out= is empty: give it a value, or leave it out"),
        ("data_dir=", "data_dir= is empty: give it a value or null, or leave it out"),
        ("out=${bench.nme}", "out=${bench.nme}: Interpolation key 'bench.nme' not found"),
        ("+limit=3", "+limit=3: every key has a value already, write limit=... without the +"),
        ("++limit=3", "++limit=3: every key has a value already, write limit=... without the ++"),
        ("~limit", "~limit: every key has a value already, write limit=... without the ~"),
        ("+model=tiny", "+model=tiny: every key has a value already, write model=... without the +"),
        ("model.checkpoint=???", "model.checkpoint is required: give model.checkpoint=..."),
        ("score", "score: a setting is key=value, and a command goes first"),
        (
            "hydra/launcher=foo",
            "hydra/launcher=foo: no such hydra/launcher; there are basic, submitit_local, submitit_slurm",
        ),
        (
            "hydra/launcher=submitit_slrm",
            "hydra/launcher=submitit_slrm: no such hydra/launcher (did you mean submitit_slurm?); there are basic, "
            "submitit_local, submitit_slurm",
        ),
        ("hydra.foo=1", "hydra.foo=1: no such key"),
        ("model=tiny,foo", "model=tiny,foo: several values, which need -m: one run for each"),
        ("xyzzy=1,2", "xyzzy=1,2: several values, which need -m: one run for each"),
        ("model=glob(internvl*)", "model=glob(internvl*): several values, which need -m: one run for each"),
    ],
)
def test_each_mistake_has_its_line(word: str, line: str) -> None:
    assert _mistakes(word) == [line]


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("memory=nan", "memory=nan: a number is expected"),
        ("memory=inf", "memory=inf: must be at most 1000000"),
        ("memory=1e308", "memory=1e+308: must be at most 1000000"),
    ],
)
def test_a_number_that_is_none_or_without_end_is_a_mistake(word: str, line: str) -> None:
    assert _mistakes(word, record=DoctorSettings) == [line]


def test_a_group_without_a_choice_has_no_values_to_set() -> None:
    assert _mistakes("model.max_tiles=3", "model=tiny", record=ModelsSettings) == []
    line = "model.max_tiles=3: of which model? Give model=NAME as well; `python -m repope_eval models` lists them"
    assert _mistakes("model.max_tiles=3", record=ModelsSettings) == [line]


def test_a_value_that_cannot_be_read_is_told_to_be_quoted() -> None:
    (line,) = _mistakes("out=a(b")
    assert line == f"out=a(b: {UNREADABLE}"
    assert _mistakes('out="a(b"') == []


def test_no_mistake_hides_another() -> None:
    words = ("limit=0", "modle=tiny", "bench=repop", "model=foo", "device=gpu", "resume=maybe", "out=a(b")
    found = _mistakes(*words)
    assert len(found) == len(words)
    assert all(any(line.startswith(word.partition("=")[0]) for line in found) for word in words)


@pytest.mark.parametrize(
    ("record", "lines"),
    [
        (ScoreSettings, ["answers"]),
        (BuildSettings, ["objects", "images", "variant", "out"]),
        (RelabelSettings, ["questions", "annotators", "out"]),
        (DataSettings, []),
    ],
)
def test_required_keys_are_asked_for(record: type, lines: list[str]) -> None:
    assert _mistakes(record=record) == [f"{key} is required: give {key}=..." for key in lines]


def test_a_list_written_without_brackets_is_told_so() -> None:
    given = ("questions=a", "annotators=b,c", "out=d")
    assert _mistakes(*given, record=RelabelSettings) == [
        "annotators=b,c: several values, which need -m: one run for each; a list is written annotators=[A,B]"
    ]


def test_a_list_of_a_wrong_length_is_a_mistake() -> None:
    given = ("questions=a", "annotators=[b]", "out=d")
    assert _mistakes(*given, record=RelabelSettings) == ["annotators: 2 are expected, not 1"]


def test_each_value_of_a_sweep_is_checked() -> None:
    assert _mistakes(
        "model=tiny,foo,internvl2_5_1b", "limit=1,x,0", "out=${model.name}/${limit}", sweep=True
    ) == [
        f"model=foo: no such model; {MEND.format('NAME')}",
        "limit=x: a whole number or null is expected",
        "limit=0: must be at least 1",
    ]


def test_a_sweep_may_be_written_in_each_of_hydras_ways() -> None:
    out = "out=${model.name}/${limit}"
    assert _mistakes("model=glob(internvl2_5_?b)", "limit=range(1,3)", out, sweep=True) == []
    assert _mistakes("model=choice(tiny,internvl2_5_1b)", sweep=True) == []


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["limit=range(1,1e9)"],
            "limit=range(1,1e9): a sweep of more than 1,000 runs; no more can be started at once",
        ),
        (
            ["limit=shuffle(range(1,1e9))"],
            "limit=shuffle(range(1,1e9)): a sweep of more than 1,000 runs; no more can be started at once",
        ),
        (["limit=range(1,3,0)"], "limit=range(1,3,0): range() arg 3 must not be zero"),
        (
            ["limit=range(1,12)", "model.max_tiles=range(1,12)", "model.max_new_tokens=range(1,12)"],
            "-m: a sweep of more than 1,000 runs; no more can be started at once",
        ),
    ],
)
def test_a_sweep_without_end_is_refused_before_it_is_composed(words: list[str], line: str) -> None:
    assert _mistakes(*words, sweep=True) == [line]


def test_a_glob_that_matches_nothing_is_a_mistake() -> None:
    assert _mistakes("model=glob(flamingo*)", sweep=True) == [
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
    assert _mistakes(*words, sweep=True) == [line]


def test_runs_of_a_sweep_may_be_told_apart_by_their_number() -> None:
    assert _mistakes("engine=shared,sequential", "out=runs/${hydra:job.num}", sweep=True) == []


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("famly: a", "model=mine: model.famly in its file: no such key (did you mean model.family?)"),
        ("max_new_tokens: a", "model=mine: model.max_new_tokens in its file: a whole number is expected"),
        ("max_new_tokens: 0", "model.max_new_tokens=0: must be at least 1"),
        ("dtype: half", "model.dtype=half: allowed are auto, float32, bfloat16, float16"),
        (
            "quantization: [a]",
            "model=mine: model.quantization in its file: one of none, int8, nf4 is expected",
        ),
        ("family: ???", "model.family is required: give model.family=..."),
    ],
)
def test_mistakes_in_an_own_file_are_found(own: Path, content: str, line: str) -> None:
    rest = "checkpoint: here\n" + ("" if content.startswith("fam") else "family: internvl2_5\n")
    (own / "model" / "mine.yaml").write_text(f"{content}\n{rest}")
    assert _mistakes("model=mine", own=own) == [line]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a: [here\n", "expected ',' or ']', but got '<stream end>' in \"{path}\", line 2, column 1"),
        (
            "family:\n\tcheckpoint: a\n",
            "found character '\\t' that cannot start any token in \"{path}\", line 2, column 1",
        ),
        ("family: a\nfamily: b\n", 'found duplicate key family in "{path}", line 2, column 1'),
        ("a: 1\n---\nb: 2\n", 'but found another document in "{path}", line 2, column 1'),
        ("defaults: 5\n", "Invalid defaults list in 'model/mine', defaults must be a list (got int)"),
        (f"a: {'9' * 5000}", "use sys.set_int_max_str_digits() to increase the limit"),
        ("a\0b: 1\n", "as text in UTF-16 and damaged files do; save it as UTF-8"),
        ("a: ${\n", "no viable alternative at input '${'"),
        ("a: !!python/x y\n", "'tag:yaml.org,2002:python/x' in \"{path}\", line 1, column 4"),
    ],
)
def test_an_own_file_that_no_parser_takes_is_one_line(own: Path, content: str, reason: str) -> None:
    path = own / "model" / "mine.yaml"
    path.write_text(content)
    (line,) = _mistakes("model=mine", own=own)
    assert line.startswith("model=mine: ")
    assert line.endswith(reason.replace("{path}", str(path)))
    assert "\n" not in line


def test_what_an_own_files_defaults_name_is_not_the_file_itself(own: Path) -> None:
    (own / "model" / "mine.yaml").write_text("defaults:\n  - gone\nfamily: internvl2_5\n")
    assert _mistakes("model=mine", own=own) == [
        "model=mine: its file's defaults name model/gone, which is not there"
    ]


def test_what_an_own_file_lacks_is_found_for_each_run_of_a_sweep(own: Path) -> None:
    (own / "model" / "mine.yaml").write_text("family: internvl2_5\n")
    for words in ("model=mine,tiny", "model=tiny,mine"):
        assert _mistakes(words, own=own, sweep=True) == [
            "model.checkpoint is required: give model.checkpoint=..."
        ]


def test_an_own_file_is_among_the_choices(own: Path) -> None:
    (own / "model" / "mine.yaml").write_text("family: internvl2_5\ncheckpoint: here\n")
    assert _mistakes("model=min", own=own) == [
        f"model=min: no such model (did you mean mine?); {MEND.format('mine')}"
    ]


def test_hydras_own_search_path_is_heeded(own: Path) -> None:
    (own / "model" / "mine.yaml").write_text("family: internvl2_5\ncheckpoint: here\n")
    assert _mistakes("model=mine", f"hydra.searchpath=['file://{own}']") == []


def test_settings_of_a_launcher_may_stand_before_it() -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    words = ["hydra.launcher.partition=gpu", "hydra/launcher=submitit_slurm", "limit=1,2", "out=x/${limit}"]
    assert _mistakes(*words, sweep=True) == []


@pytest.mark.parametrize("launcher", ["submitit_slurm", "submitit_local"])
def test_a_launcher_that_is_not_installed_is_one_line(monkeypatch: pytest.MonkeyPatch, launcher: str) -> None:
    _mistakes()  # Hydra looks for its plugins once
    launchers = ConfigStore.instance().repo["hydra"]["launcher"]
    monkeypatch.delitem(launchers, f"{launcher}.yaml", raising=False)
    word = f"hydra/launcher={launcher}"
    with pytest.raises(RepopeError) as caught:
        _mistakes("hydra.launcher.timeout_min=5", word, sweep=True)
    assert str(caught.value) == f"{word}: not installed; pip install 'repope-eval[slurm]'"


BOMB = b"a: &a [x, x, x]\nb: &b [*a, *a, *a]\n"
"""Ten such lines would be thousands of millions of nodes."""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty; its settings are expected, key: value in each line"),
        (b"# nothing\n", "is empty; its settings are expected, key: value in each line"),
        (b"family: internvl2_5\nsystem_prompt: |\n  two\n  lines\ndefaults: [tiny]\n", None),
        ("family: café\n".encode(), None),
        (b"\x89PNG\r\n\x1a\n", "is a PNG image, not text; is it the right file?"),
        (b"- family\n", "line 1: key: value is expected, in each line"),
        (b"just a text\n", "line 1: key: value is expected, in each line"),
        (BOMB, "line 2: repeats a node by *a; write it out, or refer to a key with ${KEY}"),
        (b"a: " + b"[" * 1000, f"line 1: is nested deeper than {DEEPEST} levels; settings have two"),
        (b"a: " + b"x" * MOST_BYTES, "has 100,003 bytes; a configuration file has 100,000 at most"),
        (b"a: [here\n", None),  # Hydra says it
    ],
)
def test_an_own_file_that_is_no_configuration_says_why(
    tmp_path: Path, content: bytes, reason: str | None
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    assert file_mistake(tmp_path, "mine") == (None if reason is None else f"{path}: {reason}")


def test_an_own_file_in_another_encoding_says_where(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes("a: 1\nfamily: café\n".encode("latin-1"))
    assert str(file_mistake(tmp_path, "mine")).startswith(f"{path}, line 2: is not UTF-8 ")


def test_an_own_file_that_is_no_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    for name in ("folder", "device.yaml"):
        assert file_mistake(tmp_path, name) == f"{tmp_path / name.removesuffix('.yaml')}.yaml: is no file"
    assert file_mistake(tmp_path, "gone") is None
    assert file_mistake(tmp_path, "x" * 100_000) is None
