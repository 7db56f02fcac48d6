"""How fast `model=endpoint` asks a server, and how well its order fills the server's cache, with a simulated one.

    python perf/endpoint.py [--images 60] [--questions 10] [--concurrency 16] [--milliseconds 50] [--places 32]

Each answer of the server takes as long, so that it allows `concurrency` answers in that time; a second process is the
server. The last row asks in the naive order, all questions as they stand in the file.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from drawn_images import pope_questions, write_files
from endpoint_server import IMAGE_TOKENS, MODEL, TEXT_TOKENS
from gauges import print_table

from repope_eval.asking.asker import AskedImage
from repope_eval.asking.endpoint.asker import load_endpoint_asker
from repope_eval.records import Question
from repope_eval.settings.config import BenchSettings, ModelSettings, RunSettings
from repope_eval.system.ranks import Ranks


@dataclass(frozen=True)
class Measured:
    """What was measured while a server was asked."""

    rate: float
    """The number of answers that came in a second."""
    processor: float
    """Seconds of this program's processor time for an answer."""
    hit_rate: float
    """The share of the prompts' tokens that the server had in its cache."""


def main() -> None:
    options = _options()
    allowed = options.concurrency / (options.milliseconds / 1000)
    number = options.images * options.questions
    best = IMAGE_TOKENS * (1 - options.images / number) / (IMAGE_TOKENS + TEXT_TOKENS)
    with TemporaryDirectory() as folder:
        images = _images(Path(folder), options.images, options.questions)
        alone = [AskedImage(image.path, (question,)) for image in images for question in image.questions]
        rows = []
        for order, asked in (("first question, then the others", images), ("all at once", alone)):
            with _serving(options.milliseconds, options.places) as url:
                found = _measured(asked, url, options.concurrency)
            cells = (
                f"{found.rate:.1f}",
                f"{allowed:.1f}",
                f"{found.rate / allowed:.0%}",
                f"{1000 * found.processor:.2f}",
                f"{found.hit_rate:.3f}",
            )
            rows.append((order, str(number), *cells, f"{best:.3f}"))
    headings = (
        "order",
        "answers",
        "a second",
        "allowed",
        "of allowed",
        "processor ms",
        "hit rate",
        "best hit rate",
    )
    print_table(headings, rows)


def _options() -> argparse.Namespace:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--images", type=int, default=60, help="default: 60")
    made.add_argument("--questions", type=int, default=10, help="about each image; default: 10")
    made.add_argument("--concurrency", type=int, default=16, help="requests at a time; default: 16")
    made.add_argument("--milliseconds", type=float, default=50, help="that an answer takes; default: 50")
    made.add_argument("--places", type=int, default=32, help="images in the server's cache; default: 32")
    return made.parse_args()


def _images(folder: Path, number: int, questions: int) -> list[AskedImage]:
    texts = pope_questions(questions)
    return [
        AskedImage(path, tuple(Question(path.name, text, "") for text in texts))
        for path in write_files(number, folder)
    ]


@contextmanager
def _serving(milliseconds: float, places: int) -> Iterator[str]:
    words = [
        sys.executable,
        str(Path(__file__).with_name("endpoint_server.py")),
        str(milliseconds),
        str(places),
    ]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
        server.terminate()


def _measured(images: Sequence[AskedImage], url: str, concurrency: int) -> Measured:
    model = ModelSettings(
        name=MODEL, family="endpoint", checkpoint=MODEL, url=url, concurrency=str(concurrency)
    )
    bench = BenchSettings(name="drawn", source="demo", variants=())
    asker = load_endpoint_asker(RunSettings(model=model, bench=bench), Ranks())
    began, used = time.perf_counter(), time.process_time()
    answers = sum(len(some) for some in asker.ask(images))
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    return Measured(answers / seconds, processor / answers, asker.facts()["cache_hit_rate"])


if __name__ == "__main__":
    main()
