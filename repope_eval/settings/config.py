"""What can be set of a run, with what default, within which limits, and what it means.

Each settings class is a frozen record and the one home of its defaults; YAML files state only differences.
`repope_eval.settings.schema` turns the records into Hydra's schemas, and what Hydra composed into records.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from repope_eval.settings.fields import setting, written_as


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumns:
    """What the columns of a table of questions are called."""

    image: str = setting("table: column of the image, by its file's name or itself", "image")
    image_name: str | None = setting(
        "table: column of the names of images that stand in it; null: their own, or a hash", None
    )
    question: str = setting("table: column of the question", "question")
    label: str = setting("table: column of the label, which is label set original", "label")
    relabel: str | None = setting(
        "table: column of the corrected label, which is label set corrected; empty: ambiguous", None
    )
    variant: str | None = setting("table: column of the variant; null: there is one, table", None)
    group: str | None = setting(
        "table: column of the group; all of a group right is a figure of its own", None
    )
    question_id: str | None = setting("table: column of the question's id; null: its row's number", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLabels:
    """The words that stand for labels in a table, in letters of any case."""

    yes: tuple[str, ...] = setting("table: labels that mean yes", ("yes", "true", "1"))
    no: tuple[str, ...] = setting("table: labels that mean no", ("no", "false", "0"))
    left_out: tuple[str, ...] = setting("table: labels of questions that are left out", ())


Protocol = Literal["repope", "pope", "vlmevalkit", "lmms_eval"]
ProtocolChoice = Protocol | Literal["all"]
DEFAULT_PROTOCOL: Protocol = "repope"
"""The paper's, which is also the first of all."""
Engine = Literal["shared", "sequential"]
ImageSource = Literal["download", "hub"]
NumberFormat = Literal["float32", "bfloat16", "float16"]
BenchSource = Literal[
    "demo",
    "coco",
    "pope_aokvqa",
    "pope_gqa",
    "popev2",
    "amber",
    "dash_b",
    "chair",
    "demo_captions",
    "custom",
    "table",
]
Blind = Literal["gray", "swapped", "none"]
Prompt = Literal["paper", "lmms_eval", "vlmevalkit"]
Tracker = Literal["none", "trackio", "wandb"]
Attention = Literal["sdpa", "sdpa_cudnn", "eager", "flash_attention_2"]

MOST_TILES = 128
"""The most tiles of an image. At 256 tokens a tile, they fill the longest prompts of these models, 32,768 tokens."""

MOST_PIXELS = 100_000_000
"""The most pixels of an image that a processor may be told: a hundred times those of the published checkpoints."""

MAX_NEW_TOKENS = 1024
"""The longest answer where neither a model's file nor a command says another."""

_NAME = written_as(
    r"(?!\.)[^/\\]+(/(?!\.)[^/\\]+)*",
    "a name that stays inside the folder of runs, such as mine or org/mine,",
    is_public=True,
)
"""The limits of names of run folders. A name may not begin with a dot: no report finds a hidden folder."""

# Ten thousand characters are several times the longest prompt in use; each costs memory.
_PROMPT: Mapping[str, Any] = {"has_lines": True, "is_public": True, "longest": 10_000}
_DEVICE = written_as(r"auto|cpu|mps|cuda(:[0-9]{1,3})?", "auto, cpu, mps, cuda or cuda:N")
_WORKERS = written_as(r"auto|[0-9]{1,2}", "auto or a number of processes up to 99")
_BATCH_SIZE = written_as(r"auto|[1-9][0-9]{0,4}", "auto or a number of images up to 99999")
_CONCURRENCY = written_as(r"auto|[1-9][0-9]{0,3}", "auto or a number of requests up to 9999")
_URL = written_as(r"https?://[^/@?#]+(/[^@?#]*)?", "http://HOST:PORT/PATH without a password in it")
_VARIABLE = written_as(r"[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """Which model, and how it is loaded and asked."""

    name: str = setting("names the run folder; by default the file's name", **_NAME)
    family: str = setting(
        "prompt, pixels and layout: a key of FAMILIES in repope_eval/models/families.py; chat: the checkpoint's own",
        changes="checkpoint",
    )
    checkpoint: str = setting("Hub id or local folder", changes="checkpoint", place="checkpoint")
    revision: str = setting(
        "branch, tag or commit of a Hub checkpoint",
        "main",
        asked="weights",
        changes="checkpoint",
        place="checkpoint",
    )
    adapter: str | None = setting(
        "LoRA adapter in PEFT's files, merged into the weights as they are loaded: Hub id or local folder; null: none",
        None,
        asked="weights",
        changes="checkpoint",
        place="checkpoint",
    )
    adapter_revision: str | None = setting(
        "branch, tag or commit of an adapter on the Hub; null: main",
        None,
        asked="weights",
        changes="checkpoint",
        place="checkpoint",
    )
    recipe_dtype: NumberFormat = setting(
        "what dtype=auto means: that of the published results", "bfloat16", asked="weights"
    )
    dtype: Literal["auto"] | NumberFormat = setting(
        "number format of the weights", "auto", asked="weights", changes="number format"
    )
    quantization: Literal["none", "int8", "nf4"] = setting(
        "of the language model, by bitsandbytes", "none", asked="weights", changes="number format"
    )
    max_new_tokens: int = setting(
        f"longest answer in tokens; of captions, a model's file's own where that is above {MAX_NEW_TOKENS}",
        MAX_NEW_TOKENS,
        minimum=1,
        maximum=32_768,
        changes="longest answer",
    )
    temperature: float = setting(
        "of sampled answers; 0: greedy, the likeliest token each time",
        0.0,
        minimum=0,
        maximum=100,
        changes="decoding",
    )
    top_p: float = setting(
        "sampled: of the likeliest tokens that have this probability together",
        1.0,
        minimum=0.001,
        maximum=1,
        changes="decoding",
    )
    seed: int = setting("sampled: of all draws", 0, minimum=0, changes="decoding")
    prompt: Prompt = setting(
        "whose prompt: that of the paper's code, or another harness's on POPE",
        "paper",
        asked="weights",
        changes="prompt",
    )
    system_prompt: str | None = setting(
        "in place of the family's own; null: the family's", None, changes="prompt", **_PROMPT
    )
    question_suffix: str | None = setting(
        "text put after each question, with \\n for a line break; null: nothing",
        None,
        changes="prompt",
        **_PROMPT,
    )
    max_tiles: int | None = setting(
        "most tiles of an image; null: the checkpoint's",
        None,
        minimum=1,
        maximum=MOST_TILES,
        asked="weights",
        changes="pixels",
    )
    min_pixels: int | None = setting(
        "least pixels of an image, where its processor has such; null: the checkpoint's",
        None,
        minimum=1,
        maximum=MOST_PIXELS,
        asked="chat",
        changes="pixels",
    )
    max_pixels: int | None = setting(
        "most pixels of an image, where its processor has such; null: the checkpoint's",
        None,
        minimum=1,
        maximum=MOST_PIXELS,
        asked="chat",
        changes="pixels",
    )
    chat_template: Mapping[str, Any] | None = setting(
        "arguments of its template, such as {enable_thinking:false}; null: none",
        None,
        asked="chat",
        changes="prompt",
    )
    attn_implementation: Literal["auto"] | Attention = setting(
        "attention kernel; auto: sdpa, or eager where the model caps attention's scores; "
        "sdpa_cudnn: torch may take cuDNN's, too",
        "auto",
        asked="weights",
        changes="engine",
    )
    device_map: str | None = setting(
        "placement over devices: auto, or a JSON file of module and device; null: all on device",
        None,
        asked="weights",
        changes="engine",
    )
    gated: bool = setting("whether the Hub wants a licence accepted first", False, asked="weights")
    url: str | None = setting(
        "address of the server, such as http://HOST:8000/v1", None, asked="server", changes="engine", **_URL
    )
    api_key_env: str = setting(
        "environment variable that holds the key",
        "OPENAI_API_KEY",
        is_public=True,
        asked="server",
        **_VARIABLE,
    )
    image_format: Literal["png", "jpeg", "webp"] | None = setting(
        "the format that images are sent in; null: the files as they are",
        None,
        asked="server",
        changes="pixels",
    )
    max_side: int | None = setting(
        "most pixels of a sent image's longer side; null: as it is",
        None,
        minimum=16,
        asked="server",
        changes="pixels",
    )
    concurrency: str = setting(
        "most requests at a time; auto: 64, fewer where the server is busy",
        "auto",
        asked="server",
        **_CONCURRENCY,
    )
    timeout: float = setting("seconds that an answer may take", 120.0, minimum=0.01, asked="server")
    price_in: float | None = setting(
        "price of a million tokens sent; null: unknown", None, minimum=0, asked="server"
    )
    price_out: float | None = setting(
        "price of a million tokens answered; null: unknown", None, minimum=0, asked="server"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchSettings:
    """Which questions, labels and images, and where they come from."""

    name: str = setting("names the run folder; by default the file's name", **_NAME)
    source: BenchSource = setting(
        "the embedded ones, POPE on COCO, A-OKVQA or GQA, POPEv2, AMBER, DASH-B, CHAIR, or your own: custom, table"
    )
    variants: tuple[str, ...] = setting("variants to evaluate; table: none named, all")
    questions: str | None = setting(
        "custom: file in POPE's format; its labels are label set original. table: any file of rows or Parquet, or "
        "hub:OWNER/NAME",
        None,
        place="questions",
    )
    relabels: str | None = setting(
        "custom: its relabelled twin; its labels are label set corrected. CHAIR: people's labels of objects, as "
        "relabel writes them, which count before RePOPE's",
        None,
        place="questions",
    )
    images: str | None = setting(
        "image folder: that of your own files; val2014, GQA's, AMBER's, that of POPEv2's two folders, or DASH-B's of "
        "neg and pos, beside data_dir's",
        None,
        place="images",
    )
    annotations: str | None = setting(
        "POPE, AMBER: folder of annotation files, looked at after data_dir", None, place="annotations"
    )
    images_from: ImageSource = setting(
        "POPE on COCO, AMBER, DASH-B: where missing images come from", "download", is_fetching=True
    )
    annotations_url: str | None = setting(
        "POPE, AMBER: where annotation files are downloaded from; several addresses, with spaces between, are tried in "
        "order; null: the authors' repository, then a copy of it",
        None,
        is_fetching=True,
    )
    images_url: str | None = setting(
        "POPE: where images are downloaded from, one or several; null: COCO's or Visual Genome's server",
        None,
        is_fetching=True,
    )
    hub_dataset: str | None = setting(
        "POPE on COCO, AMBER, DASH-B: Hub dataset that images_from=hub reads; null: where its owners keep it",
        None,
        is_fetching=True,
    )
    prompt: str | None = setting(
        "CHAIR: what is asked about each image; null: the variant's own prompt",
        None,
        changes="prompt",
        **_PROMPT,
    )
    image_list: str | None = setting(
        "CHAIR: file of COCO's ids, or of captions, whose images are described; null: POPE's 500 images",
        None,
        place="questions",
    )
    blind: Blind | None = setting(
        "shows each image's questions something else, to see what needs no image: gray, a gray image of its size; "
        "swapped, another image of the benchmark; none, no image at all; null: the image itself",
        None,
        changes="pixels",
    )
    split: str = setting("table: split of a dataset hub:OWNER/NAME", "test")
    subset: str | None = setting("table: subset (configuration) of such a dataset; null: its only one", None)
    columns: TableColumns = setting("what the columns of a table are called", TableColumns())
    labels: TableLabels = setting("what the labels of a table are called", TableLabels())


CAPTION_SOURCES: tuple[BenchSource, ...] = ("chair", "demo_captions")
"""The benchmarks that have models describe images."""


def caption_length(max_new_tokens: int) -> int:
    """How many tokens a caption may have where nobody says it, by the limit in a model's file.

    The limit of some files is the paper's for yes or no, 15 tokens, which cuts most captions short. Captions have the
    default in its place. A longer limit leaves room for thoughts, and stays.
    """
    return max(max_new_tokens, MAX_NEW_TOKENS)


_NONE: Any = None
ANY_BENCH = BenchSettings(name=_NONE, source=_NONE, variants=_NONE)
"""What is said of the benchmark of runs where nothing is given: all is as the runs had it."""

FILES_NOW = "bench.KEY as in run: where its files lie now; null: where the runs had them"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """Asks a model the questions of a benchmark and scores the answers."""

    model: ModelSettings = setting("which model", choice="tiny")
    bench: BenchSettings = setting("which benchmark", choice="demo")
    engine: Engine = setting(
        "shared: an image once for all its questions; sequential: each alone",
        "shared",
        asked="weights",
        changes="engine",
    )
    verify: int = setting(
        "images that are asked about one question at a time, too, to check engine=shared; 0: none",
        1,
        minimum=0,
        asked="weights",
    )
    repeats: int = setting(
        "sampled: draws of each answer; scores are means", 1, minimum=1, maximum=1000, changes="decoding"
    )
    protocol: ProtocolChoice = setting(
        "how yes or no is read from an answer; all: repope's way, and what the others make of it",
        DEFAULT_PROTOCOL,
    )
    device: str = setting(
        "auto, cpu, mps, cuda or cuda:N", "auto", asked="weights", changes="hardware", **_DEVICE
    )
    batch_size: str = setting(
        "images at a time; auto: what the memory holds",
        "auto",
        asked="weights",
        changes="engine",
        **_BATCH_SIZE,
    )
    workers: str = setting(
        "processes that prepare images; auto: by the cores beside a GPU, else none",
        "auto",
        asked="weights",
        **_WORKERS,
    )
    limit: int | None = setting("only the first so many images; null: all", None, minimum=1)
    data_dir: str | None = setting("where data lies or goes; null: REPOPE_DATA or the cache folder", None)
    out: str = setting("run folder", "runs/${bench.name}/${model.name}")
    resume: bool = setting("go on from the answers in out; false: refuse a folder that has some", True)
    track: Tracker = setting("tracker that is told of the scored run; each is an extra of its name", "none")
    track_project: str = setting("project of the tracker", "repope_eval", is_public=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmSettings(RunSettings):
    """Submits a sweep to SLURM: an array for each need of GPUs, then the report of all."""

    models: str | None = setting("list of models, one a line with overrides of its own; null: all", None)
    runs: str = setting("folder of the sweep's run folders", "runs/${bench.name}")
    resources: str | None = setting("CSV of what each model needs; null: slurm/resources.csv", None)
    partition: str | None = setting("where tasks run; null: the cluster's default", None)
    account: str | None = setting("who pays; null: the cluster's default", None)
    time: str | None = setting("time limit of a task; null: that of resources", None)
    setup: str | None = setting("file each task sources first: modules, an environment, a container", None)
    sbatch: tuple[str, ...] = setting('further options of sbatch, such as ["--qos=high"]', ())
    dry_run: bool = setting("show what would be submitted, and submit nothing", False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorSettings:
    """Says what this machine has, what it lacks, and which models fit it."""

    bench: BenchSettings = setting("which benchmark's time is told", choice="repope")
    model: ModelSettings | None = setting(
        "the one to fit, with what its time on a GPU consists of; null: all", None, choice=None
    )
    device: str = setting("auto, cpu, mps, cuda or cuda:N", "auto", **_DEVICE)
    gpu: str | None = setting(
        "a GPU to fit models into and to estimate their time on, such as H100 or RTX_4090; null: the device",
        None,
    )
    check: bool = setting("ask the embedded model on this device, and compare with stored answers", False)
    memory: float | None = setting(
        "GB to fit models into; null: what the device has free", None, minimum=0, maximum=1_000_000
    )
    data_dir: str | None = setting("where data lies or goes; null: REPOPE_DATA or the cache folder", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSettings:
    """What the fields of an answer file are called, where their own names do not say it."""

    image: str | None = setting("field of answers that names the image; null: by its name", None)
    question: str | None = setting("field of answers that holds the question; null: by its name", None)
    response: str | None = setting("field of answers that holds the response; null: by its name", None)
    question_id: str | None = setting("field of answers that holds the id; null: by its name", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSettings:
    """Scores anybody's answers, without a model."""

    bench: BenchSettings = setting("which benchmark", choice="demo")
    answers: str | tuple[str, ...] = setting(
        "JSON, JSON lines, CSV, TSV or XLSX: image, question and response, or question_id and response; several "
        "files of one model: [A,B,C]"
    )
    columns: ColumnSettings = setting("what the fields of answers are called", ColumnSettings())
    questions: str | tuple[str, ...] | None = setting(
        "what question ids point into: question_id, image, text; for several files of answers one, or as many",
        None,
    )
    model: str | None = setting("name shown with the scores; null: the answer file's", None, **_NAME)
    protocol: ProtocolChoice = setting(
        "how yes or no is read from an answer; all: repope's way, and what the others make of it",
        DEFAULT_PROTOCOL,
    )
    data_dir: str | None = setting("where data lies or goes; null: REPOPE_DATA or the cache folder", None)
    out: str | None = setting("run folder; null: runs/BENCH/MODEL", None)
    track: Tracker = setting("tracker that is told of the scored run; each is an extra of its name", "none")
    track_project: str = setting("project of the tracker", "repope_eval", is_public=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsSettings:
    """Lists the models with their sizes, or shows one with its whole prompt."""

    model: ModelSettings | None = setting("the one to show; without one: a table of all", None, choice=None)
    fetch: bool = setting("fetch configurations that are not on this machine (no weights)", False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSettings:
    """Makes the leaderboard and the figures of many runs."""

    runs: str = setting("folder that run folders lie in, at any depth", "runs")
    bench: BenchSettings = setting(
        f"benchmark that is reported, by its name; null: that of most runs; {FILES_NOW}",
        ANY_BENCH,
        is_partial=True,
    )
    reference: Literal["none", "paper"] = setting("paper: its 17 models stand among the runs", "none")
    protocol: Protocol = setting("how yes or no is read from an answer", DEFAULT_PROTOCOL)
    coverage: float = setting(
        "least share of the questions that a run must have answered to be ranked", 1.0, minimum=0, maximum=1
    )
    data_dir: str | None = setting("where data lies or goes; null: where the runs had it", None)
    out: str = setting("folder for the page, figures and tables", "${runs}/leaderboard")


def listed(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """The texts of a setting that takes one or several."""
    return (value,) if isinstance(value, str) else value or ()


def number_format(settings: ModelSettings) -> NumberFormat:
    """The number format that a model is loaded in: `dtype`, or that of the published results where `dtype` is auto."""
    return settings.recipe_dtype if settings.dtype == "auto" else settings.dtype
