import pytest
from hydra.core.config_store import ConfigStore
from told_mistakes import MEND, mistakes_in

from repope_eval.commands.command_line import COMMANDS
from repope_eval.errors import RepopeError
from repope_eval.settings.command_settings import RelabelSettings
from repope_eval.settings.config import ModelsSettings, ScoreSettings
from repope_eval.settings.fields import fields_by_key
from repope_eval.settings.named_files import choices

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
