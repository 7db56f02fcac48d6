"""Stands for Python where another program starts it: `warm_python.py SOCKET WORDS` has a warm program run the words.

It gives its outputs, its folder and its environment away, passes signals on, and ends as what was started ends. It is
run without `site`, so that it is there in a fiftieth of a second.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path

PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCONT")


KNOWN_BY_NUMBER = ("submitit.local._local",)
"""Modules of which the process that was started has to be the one that runs: its number is a name. They are small."""


def asked_for(words: list[str]) -> list[str]:
    """The program and its words, without the options of Python itself."""
    while words[0] in ("-u", "-m"):
        words = words[1:]
    return words


def main() -> None:
    address, *words = sys.argv[1:]
    if set(KNOWN_BY_NUMBER) & set(words):
        os.execv(sys.executable, [sys.executable, *words])
    reader, writer = os.pipe()
    passed_on = {getattr(signal, name) for name in PASSED_ON}
    signal.pthread_sigmask(signal.SIG_BLOCK, passed_on)  # until there is a process to pass them on to
    request = {"words": asked_for(words), "folder": str(Path.cwd()), "environment": dict(os.environ)}
    request |= {"draws": False, "python": None}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as warm_program:
        warm_program.connect(address)
        socket.send_fds(warm_program, [json.dumps(request).encode()], [1, 2, writer])
        os.close(writer)
        with os.fdopen(reader, "rb", buffering=0) as status:
            process = int(status.readline())
            for number in passed_on:
                signal.signal(number, lambda number, _: os.kill(process, number))
            signal.pthread_sigmask(signal.SIG_UNBLOCK, passed_on)
            ended = int(status.readline())
    if ended < 0:
        signal.signal(-ended, signal.SIG_DFL)
        os.kill(os.getpid(), -ended)
    os._exit(ended)


main()
