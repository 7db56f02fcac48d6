"""`annotate` killed again and again while somebody labels: what was told to be stored stands in the file, in order.

REPOPE_KILLS=20 kills it more often than is needed each time.
"""

import json
import os
import random
import signal
import threading
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from annotated import question, write_images, write_lines
from served import ended, served

KILLS = int(os.environ.get("REPOPE_KILLS", "3"))
LONGEST_LIFE = 0.5
"""Seconds that the program is labelled with before it is killed, at most."""

MANY = [question("a.png", f"cat {number}") for number in range(500)]

Said = tuple[int | None, str | None, str]


def acts() -> Iterator[Said]:
    """What somebody does, without end: labels, changes of mind, notes, and undoing, which names no question."""
    chance = random.Random(7)
    for place in range(1_000_000):
        number = chance.randrange(len(MANY))
        undoes = place % 5 == 4
        yield (None, None, "") if undoes else (number, chance.choice(("yes", "no", "ambiguous")), f"{place}")


class Person:
    """Somebody who labels by a page's requests, and remembers what is to be in the file."""

    def __init__(self) -> None:
        self.numbers: Mapping[str, int] = {}
        self.lines: list[tuple[str, str | None, str]] = []
        """Question, label and note of each line that is known to be stored."""
        self.unanswered: Said | None = None
        self.coming = acts()

    def open(self, address: str) -> None:
        self._address = address
        self._tab = self._ask("open")["tab"]
        self._place = 0
        told = [each for start in range(0, len(MANY), 200) for each in self._ask(f"questions/{start}")]
        self.numbers = {each["text"]: number for number, each in enumerate(told)}
        self._texts = [each["text"] for each in told]

    def label(self) -> None:
        """Labels until the server is gone."""
        while True:
            number, label, note = self.unanswered = self.unanswered or next(self.coming)
            content = {
                "tab": self._tab,
                "place": self._place + 1,
                "number": number,
                "label": label,
                "note": note,
            }
            try:
                told = self._ask("act", content)
            except HTTPError:
                raise
            except (URLError, HTTPException, ConnectionError):
                return
            self._place += 1
            stored = told["question"]
            assert number in (None, told["number"])
            assert (number is None) == (stored["label"] is None)
            self.lines.append((stored["text"], stored["label"], stored["note"]))
            self.unanswered = None

    def check(self, out: Path) -> None:
        """Compares the file; what was not answered may be its last line, and then is not done again."""
        found = [
            (each["question"], each["label"], each["note"]) for each in map(json.loads, whole_lines(out))
        ]
        assert found[: len(self.lines)] == self.lines
        if len(found) > len(self.lines):
            assert self.unanswered is not None
            number, label, note = self.unanswered
            assert number is None or found[-1] == (self._texts[number], label, note)
            self.lines.append(found[-1])
            self.unanswered = None
        assert found == self.lines

    def _ask(self, path: str, content: object = None) -> Any:
        start, _, query = self._address.partition("?")
        sent = None if content is None else json.dumps(content).encode()
        with urlopen(Request(f"{start}{path}?{query}", data=sent), timeout=30) as answer:
            return json.loads(answer.read())


def whole_lines(path: Path) -> list[str]:
    return path.read_text().rpartition("\n")[0].splitlines() if path.exists() else []


def test_kills_lose_double_and_swap_nothing(tmp_path: Path) -> None:
    write_images(tmp_path / "images", "a.png")
    queue = write_lines(
        tmp_path / "queue.jsonl", *({"image": each.image, "text": each.text} for each in MANY)
    )
    out = tmp_path / "first.jsonl"
    words = [f"questions={queue}", f"images={tmp_path / 'images'}", "annotator=first", f"out={out}"]
    chance, person = random.Random(3), Person()
    for _ in range(KILLS):
        with served("annotate", *words) as (process, address):
            person.open(address)
            kill = threading.Timer(chance.uniform(0.02, LONGEST_LIFE), process.kill)
            kill.start()
            person.label()
            kill.join()
            process.communicate(timeout=30)
            assert process.returncode == -signal.SIGKILL
        person.check(out)
    assert len(person.lines) >= KILLS
    with served("annotate", *words) as (process, address):
        person.open(address)
        last = {text: label for text, label, _ in person.lines}
        labelled = sum(label is not None for label in last.values())
        assert f" {labelled} label" in ended(process).stderr
