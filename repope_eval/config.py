"""The configuration: what can be set, the defaults, and the checks of single values.

Each settings class is a frozen record and the one home of its defaults; what YAML files state are
differences. `repope_eval.composition` turns them into Hydra's schemas and back.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Protocol = Literal["repope", "pope", "vlmevalkit", "lmms_eval"]
Engine = Literal["shared", "sequential"]
ImageSource = Literal["download", "hub"]
Number = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """Which model, and how it is loaded and asked."""

    name: str
    """Name of the configuration file; names the run folder."""
    family: str
    """Prompt, pixels and layout: a key of `repope_eval.models.families.FAMILIES`."""
    checkpoint: str
    """Hub id or local folder; `demo` is the trained model inside the package."""
    revision: str = "main"
    """Branch, tag or commit of a Hub checkpoint."""
    recipe_dtype: Number = "bfloat16"
    """What `dtype=auto` stands for: the number format of the model's published results."""
    dtype: Literal["auto"] | Number = "auto"
    quantization: Literal["none", "int8", "nf4"] = "none"
    max_new_tokens: int = field(default=1024, metadata={"minimum": 1})
    """Longest answer in tokens."""
    attn_implementation: Literal["sdpa", "eager", "flash_attention_2"] = "sdpa"
    device_map: str | None = None
    """Placement over several devices as accelerate knows it, such as `auto`; null: all on `device`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchSettings:
    """Which questions, labels and images, and where they come from."""

    name: str
    """Name of the configuration file; names the run folder."""
    source: Literal["demo", "coco", "custom"]
    variants: tuple[str, ...] = ()
    questions: str | None = None
    """custom: a file in POPE's format; its labels are label set `pope`."""
    relabels: str | None = None
    """custom: its relabelled twin; its labels are label set `repope`."""
    images: str | None = None
    """A folder of images: a custom benchmark's own; for COCO, searched after `data_dir`."""
    annotations: str | None = None
    """COCO: a folder of annotation files, searched after `data_dir`."""
    images_from: ImageSource = "download"
    """COCO: where missing images are fetched from, COCO's server or a Hub dataset."""
    annotations_url: str = (
        "https://raw.githubusercontent.com/YanNeu/RePOPE/bcf22e5690d587cce34e1728af3efdcfaf747d29/annotations"
    )
    images_url: str = "http://images.cocodataset.org/val2014"
    hub_dataset: str = "lmms-lab/POPE"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """`python -m repope_eval`: asks a model the questions of a benchmark and scores the answers."""

    model: ModelSettings = field(metadata={"choice": "tiny"})
    bench: BenchSettings = field(metadata={"choice": "demo"})
    engine: Engine = "shared"
    """shared: an image and its prefix once for all its questions; sequential: each question alone."""
    protocol: Protocol = "repope"
    """How yes or no is read from an answer, and what becomes of answers that are neither."""
    device: str = field(
        default="auto", metadata={"pattern": r"auto|cpu|cuda(:\d+)?", "form": "auto, cpu, cuda or cuda:N"}
    )
    batch_size: str = field(
        default="auto", metadata={"pattern": r"auto|[1-9]\d*", "form": "auto or a number of images"}
    )
    """Images asked at a time, or auto."""
    limit: int | None = field(default=None, metadata={"minimum": 1})
    """Only the first so many images."""
    data_dir: str | None = None
    """Where data lies or goes; null: the environment's REPOPE_DATA, or the user's cache folder."""
    out: str = "runs/${bench.name}/${model.name}"
    """Run folder."""
    resume: bool = True
    """Go on from the answers already in `out`; false: refuse a folder that holds answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSettings:
    """`python -m repope_eval score`: scores anybody's answers, without a model."""

    bench: BenchSettings = field(metadata={"choice": "demo"})
    answers: str
    """JSON or JSON lines; rows name image, question and response, or a question id and a response."""
    questions: str | None = None
    """JSON or JSON lines that the answers' question ids point into: question_id, image, text."""
    model: str = "answers"
    """Name under which the scores are shown."""
    protocol: Protocol = "repope"
    data_dir: str | None = None
    out: str = "runs/${bench.name}/${model}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSettings:
    """`python -m repope_eval data`: fetches and verifies a benchmark, and counts what was relabelled."""

    bench: BenchSettings = field(metadata={"choice": "repope"})
    data_dir: str | None = None
    images: bool = True
    """Whether images are fetched too; false: annotations alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSettings:
    """`python -m repope_eval build`: constructs POPE questions from object lists."""

    objects: str
    """COCO instances JSON, or JSON lines of image and objects."""
    images: int = field(metadata={"minimum": 1})
    """How many images to draw questions for."""
    variant: Literal["random", "popular", "adversarial"]
    seed: int = 0
    out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RelabelSettings:
    """`python -m repope_eval relabel`: corrects labels by the two-annotator rule."""

    questions: str
    """A file in POPE's format."""
    annotators: tuple[str, ...] = field(metadata={"length": 2})
    """Two files in POPE's format whose labels are yes, no or ambiguous."""
    decider: str | None = None
    """A third such file for the questions on which the two say yes and no."""
    out: str


def data_folder(data_dir: str | None) -> Path:
    """The folder meant by `data_dir`: itself, or REPOPE_DATA, or `repope_eval` in the user's cache folder."""
    named = data_dir or os.environ.get("REPOPE_DATA")
    if named:
        return Path(named).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "repope_eval"
