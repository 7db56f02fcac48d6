"""A process that has imported what the program imports, and forks into the program once for each request.

`warm_commands` starts it with a socket as its standard input, at which all of pytest's workers and `warm_python.py`
ask, in the folder that its only word names. It ends when all connections are closed. It computes nothing before a fork,
because threads that a library starts would be missing in the forked process.
"""

import atexit
import gc
import importlib
import itertools
import json
import os
import pkgutil
import runpy
import select
import shutil
import socket
import sys
import weakref
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import IO, NamedTuple

import fewer_replicates
from huggingface_hub import constants, hf_api
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from matplotlib.figure import Figure
from remembered_benchmark import remember
from remembered_features import remembered
from transformers.models.internvl.modeling_internvl import InternVLModel
from warm_commands import EMPTY_DRAWINGS

import repope_eval
from repope_eval.reporting.charts import drawing
from repope_eval.settings.composition import listed_models, model_settings, register
from repope_eval.settings.config import RunSettings
from repope_eval.settings.fields import groups_of
from repope_eval.settings.validation import check
from repope_eval.settings.words import quoted_texts

TESTS = Path(__file__).parent

LONGEST_REQUEST = 200_000
"""In bytes: about as much as a socket sends in one piece."""

IMPORTED_LATE = (
    "PIL.JpegImagePlugin",
    "fontTools.subset",
    "huggingface_hub.hf_api",
    "hydra._internal.core_plugins.basic_launcher",
    "hydra._internal.core_plugins.basic_sweeper",
    "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_svg",
    "openpyxl",
    "rich.progress",
    "scipy.special",
    "transformers.models.llama.modeling_llama",
    "transformers.models.qwen2.modeling_qwen2",
)
"""What functions of the program import when they are called, or have transformers and matplotlib import.

A module that is missing in this list, or no longer there, costs commands time and changes nothing else.
"""


class Ending:
    """Ends a forked process without taking its modules apart, which would copy the memory shared with its parent."""

    exit_status = 1  # where an exception ends the process

    def __call__(self) -> None:
        """Called last of all functions that are registered to be called at the end."""
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self.exit_status)


def import_everything() -> None:
    for module in pkgutil.walk_packages(repope_eval.__path__, "repope_eval."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in IMPORTED_LATE:
        with suppress(ImportError):
            importlib.import_module(name)


def fill_caches() -> None:
    """Has done what most commands do once and keep: it reads configurations and templates, and no weights."""
    from repope_eval.models.loading import read_description
    from repope_eval.reporting.templates import _environment
    from repope_eval.scoring.bootstrap import REPLICATES, drawn_weights
    from repope_eval.scoring.evidence import EVIDENCE_REPLICATES

    listed_models()
    remember()
    for template in Path(repope_eval.__path__[0], "reporting").glob("*.j2"):
        _environment().get_template(template.name)
    read_description(model_settings("tiny"))
    for images, replicates in itertools.product((40, 100), (REPLICATES, EVIDENCE_REPLICATES)):
        for _ in drawn_weights(images, replicates):
            pass
    assert len(os.listdir("/proc/self/task")) == 1, "threads would be missing in forked processes"  # noqa: PTH208


def compose_once() -> None:
    """Has Hydra find its plugins and its parsers learn their grammar, and forget this record's groups."""
    words = [
        "model=tiny",
        "bench=demo",
        "out=runs/${bench.name}/a-1_b.c",
        "limit=3",
        "model.checkpoint=/a/b c",
    ]
    register(RunSettings)
    check(RunSettings, quoted_texts(RunSettings, words, multirun=False))
    HydraConfig.instance().cfg = None
    for group in groups_of(RunSettings):
        del ConfigStore.instance().repo[group]


def forget_what_to_end() -> None:
    """What libraries have done at the end of a process is not worth its time: torch takes its operators apart."""
    for end in list(weakref.finalize._registry):  # type: ignore[attr-defined]
        end.atexit = False


def empty_draw(name: str, title: str, description: str, *_: object, **__: object) -> drawing.Chart:
    return drawing.Chart(name=name, title=title, description=description, **EMPTY_DRAWINGS)


def leave_pdf_out() -> None:
    """Has charts be drawn as pages show them alone; PDF takes the longer."""
    draw = Figure.savefig

    def save(figure: Figure, file: IO[bytes], *, format: str, metadata: object) -> None:
        if format == "pdf":
            file.write(EMPTY_DRAWINGS[format])
        else:
            draw(figure, file, format=format, metadata=metadata)

    Figure.savefig = save  # type: ignore[method-assign, assignment]


class Known(NamedTuple):
    """Modules and names in them; to look for them in a forked process would copy the memory of all modules."""

    draw: list[tuple[ModuleType, str]]
    """Those by which the function that draws a chart is known."""
    constants: list[tuple[ModuleType, str]]
    """Those that hold a constant of huggingface_hub's, beside the module that makes it."""


def names_of(known: object) -> list[tuple[ModuleType, str]]:
    """Modules with the names by which they know an object."""
    modules = list(sys.modules.values())
    return [
        (module, name) for module in modules for name, value in list(vars(module).items()) if value is known
    ]


def fork_for_each_request(listening: socket.socket) -> list[str] | None:
    """Returns, in the process that is to run it, a program and its words; and None when nobody is left to ask."""
    known = Known(names_of(drawing.draw), names_of_constants())
    asking = [listening.accept()[0]]
    running: dict[int, tuple[int, int]] = {}  # file of a process -> its number, and where its end is told
    while asking:
        readable, _, _ = select.select([listening, *asking, *running], [], [])
        for process in running.keys() & set(readable):
            tell_end(process, *running.pop(process))
        if listening in readable:
            asking.append(listening.accept()[0])
        for connection in [each for each in asking if each in readable]:
            message, files, _, _ = socket.recv_fds(connection, LONGEST_REQUEST, 3)
            if not message:
                asking.remove(connection)
                connection.close()
                continue
            output, errors, status = files
            number = os.fork()
            if number == 0:
                let_go((*asking, listening), status, running)
                return taken_over(json.loads(message), output, errors, known)
            os.close(output)
            os.close(errors)
            os.write(status, b"%d\n" % number)
            running[os.pidfd_open(number)] = number, status
    return None


def let_go(sockets: Iterable[socket.socket], status: int, running: Mapping[int, tuple[int, int]]) -> None:
    """Closes, in a forked process, what its parent alone listens to and writes to."""
    ends = [told for _, told in running.values()]
    for held in (*(each.detach() for each in sockets), status, *running, *ends):
        os.close(held)


def tell_end(process: int, number: int, status: int) -> None:
    """Writes how a process ended to where that is read; nobody may read there any more."""
    _, ended = os.waitpid(number, 0)
    with suppress(BrokenPipeError):
        os.write(status, b"%d\n" % os.waitstatus_to_exitcode(ended))
    os.close(process)
    os.close(status)


def taken_over(request: dict, output: int, errors: int, known: Known) -> list[str]:
    """Gives this process a session, outputs, a folder and an environment of its own, and returns its words."""
    os.setsid()
    for source, target in ((output, 1), (errors, 2)):
        os.dup2(source, target)
        os.close(source)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    read_environment_again(known.constants)
    sys.executable = request["python"] or sys.executable
    # Painting six charts and drawing each as SVG and as PDF takes half of a small run.
    if request["draws"]:
        leave_pdf_out()
    else:
        for module, name in known.draw:
            setattr(module, name, empty_draw)
    return list(request["words"])


def names_of_constants() -> list[tuple[ModuleType, str]]:
    """Modules that have taken over a constant of huggingface_hub's, with its name."""
    known = {name: value for name, value in vars(constants).items() if name.isupper()}
    return [
        (module, name)
        for module in list(sys.modules.values())
        for name in known.keys() & vars(module).keys()
        if module is not constants and vars(module)[name] is known[name]
    ]


def read_environment_again(names: Iterable[tuple[ModuleType, str]]) -> None:
    """Sets what huggingface_hub read from the environment when it was imported, and what others copied from it."""
    importlib.reload(constants)
    for module, name in names:
        setattr(module, name, getattr(constants, name))
    hf_api.api.endpoint = constants.ENDPOINT


def run_program(program: str) -> None:
    """Runs a package, as `python -m` does, or the file of a path."""
    if not program.endswith(".py"):
        InternVLModel.get_image_features = remembered(InternVLModel.get_image_features)
        sys.path[0] = str(Path.cwd())
        runpy.run_module(program, run_name="__main__", alter_sys=True)
        return
    forget_modules_of_tests()
    sys.path[0] = str(Path(program).parent.absolute())
    sys.argv[0] = program
    runpy.run_path(program, run_name="__main__")


def forget_modules_of_tests() -> None:
    """A program that imports one fails, as it does where a user starts it."""
    for name, module in list(sys.modules.items()):
        if Path(getattr(module, "__file__", None) or "").parent == TESTS and name != "__main__":
            del sys.modules[name]


def taken_from_standard_input() -> socket.socket:
    """Returns the socket at which others ask, and leaves an empty file as standard input."""
    listening = socket.socket(fileno=os.dup(0))
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    return listening


def main() -> None:
    folder = Path(sys.argv[1])
    ending = Ending()
    atexit.register(ending)
    listening = taken_from_standard_input()
    gc.disable()
    import_everything()
    fewer_replicates.draw_fewer()
    fill_caches()
    compose_once()
    forget_what_to_end()
    gc.collect()
    gc.freeze()  # a collection in a forked process would copy the memory shared with its parent
    gc.enable()
    words = fork_for_each_request(listening)
    try:
        if words is None:
            shutil.rmtree(folder)
            Path(f"{folder}.lock").unlink(missing_ok=True)
        else:
            program, *sys.argv[1:] = words
            run_program(program)
        ending.exit_status = 0
    except SystemExit as stop:
        ending.exit_status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        raise


if __name__ == "__main__":
    main()
