"""A file of lines that is only ever appended to, so that what is on the disk stays there whenever a process ends."""

import logging
import os
from contextlib import suppress
from pathlib import Path

from repope_eval.errors import RepopeError

log = logging.getLogger(__name__)


class AppendedLines:
    """A file that this process alone adds lines to, and never leaves half a line in."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size
        """The size of the file in bytes, as this process left it."""

    def append(self, lines: bytes) -> None:
        """Adds all lines, or none where that fails. When this returns, they are on the disk.

        Raises:
            OSError: the file is gone, is not as long as this process left it, or cannot be written.
        """
        with self.path.open("r+b" if self.size else "ab") as file:
            if file.seek(0, os.SEEK_END) != self.size:
                raise OSError(0, "another program has changed it")
            try:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                with suppress(OSError):
                    os.truncate(self.path, self.size)
                raise
        self.size += len(lines)


def whole_lines(path: Path) -> bytes:
    """The whole lines of a file that may not exist. A last line without its line break is taken off it, on the disk.

    Raises:
        RepopeError: the file cannot be read, or a last line that was cut short cannot be taken off.
    """
    if not path.exists() or path.is_char_device():  # of whose endless content no line was ever appended
        return b""
    try:
        whole, newline, torn = path.read_bytes().rpartition(b"\n")
    except OSError as error:
        raise RepopeError(f"{path}: cannot be read ({error.strerror})") from error
    if torn:
        log.warning("%s: the last line was cut short; it is taken off and its question asked again", path)
        try:
            os.truncate(path, len(whole) + len(newline))
        except OSError as error:
            raise RepopeError(
                f"{path}: the last line was cut short and cannot be taken off ({error.strerror}); remove it"
            ) from error
    return whole + newline
