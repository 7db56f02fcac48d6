"""What browsers are sent of the images: their files, or a PNG where browsers would show other pixels than a model sees.

A PNG is made by a process of its own, `python -m repope_eval.relabelling.pictures IMAGE PNG`, which takes half a minute
for the largest images: within the server, it would hold every label up. One is made at a time, and kept on the disk for
a while.
"""

import asyncio
import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Awaitable, Callable
from pathlib import Path

from repope_eval.benchmarks.images import open_image, plain_format
from repope_eval.errors import RepopeError

MOST_SECONDS = 120
"""How long the conversion of an image may take."""

MOST_KEPT = 32
"""How many PNGs are kept: those looked at last, of which the largest has some hundred MB."""

LITTLE_COMPRESSION = 1
"""A level of zlib's; the default one takes more than twice as long, for files a quarter smaller."""


class Pictures:
    """The files that browsers show, by the files of the images. What was made is removed when the program ends."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()
        self._made: dict[Path, Path] = {}
        """PNGs by the image's file, the one asked for last behind all others."""
        self._folder: Path | None = None

    async def shown(self, image: Path, is_gone: Callable[[], Awaitable[bool]]) -> tuple[Path, str]:
        """A file that browsers show, and its media type.

        Args:
            is_gone: says whether nobody waits for it any more; then it need not be made.
        """
        if kind := await asyncio.to_thread(plain_format, image):
            return image, f"image/{kind}"
        async with self._one_at_a_time:
            if image not in self._made:
                if await is_gone():
                    raise RepopeError(f"{image}: nobody waits for it")
                self._made[image] = await self._make_png(image)
            self._made[image] = self._made.pop(image)
            if len(self._made) > MOST_KEPT:
                self._made.pop(next(iter(self._made))).unlink(missing_ok=True)
            return self._made[image], "image/png"

    async def _make_png(self, image: Path) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="repope_eval-annotate-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        number, name = tempfile.mkstemp(suffix=".png", dir=self._folder)
        os.close(number)
        await _convert_in_process(image, Path(name))
        return Path(name)


async def _convert_in_process(image: Path, png: Path) -> None:
    """Has a process make the PNG, which ends with the wait for it, whatever ends that."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "repope_eval.relabelling.pictures", image, png),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is this program's to take
    )
    try:
        status = await asyncio.wait_for(process.wait(), MOST_SECONDS)
    except TimeoutError as error:
        raise RepopeError(f"{image}: takes more than {MOST_SECONDS} s to be decoded") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        if process.returncode != 0:
            png.unlink(missing_ok=True)
    if status != 0:
        raise RepopeError(f"{image}: is damaged")


def convert(image: Path, png: Path) -> None:
    """Writes an image as PNG.

    Raises:
        RepopeError: the image is unreadable or damaged.
        OSError: the PNG cannot be written.
    """
    open_image(image).save(png, "PNG", compress_level=LITTLE_COMPRESSION)


if __name__ == "__main__":
    try:
        convert(Path(sys.argv[1]), Path(sys.argv[2]))
    except (RepopeError, OSError) as error:
        sys.exit(str(error))
