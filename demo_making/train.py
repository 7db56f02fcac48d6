"""Trains the demo's model from nothing and writes it as an InternVL2.5 checkpoint.

    python -m demo_making.train OUT [--scale 1] [--work DIR]

Takes about an hour on two cores and needs PyTorch 2.9 or later; everything is drawn, nothing is downloaded. The
shipped weights went through the first three stages at one time, and with their state as it was kept through the others
at another, on one core or two. Sums of floats differ between machines, so a repetition makes a model as good, not the
same.
"""

import argparse
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import nn
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from demo_making.evaluation import Accuracy, held_out_accuracy
from demo_making.export import write_checkpoint
from demo_making.icons import KINDS
from demo_making.model import WIDTH, PromptTokens, new_model
from demo_making.stages import Learner, Stage, first_seed, run_stage, stages
from demo_making.tokenizer import write_tokenizer

SEED = 20_250
HELD_OUT_SCENES = 1000


def train(
    out: Path, work: Path | None, plan: Sequence[Stage], processes: int, held_out: int = HELD_OUT_SCENES
) -> Accuracy:
    """Train through a plan of stages, write the checkpoint to `out` and test it on held-out scenes.

    Args:
        out: Folder of the checkpoint; made if need be.
        work: Folder that keeps the state after each stage. A stage whose state lies there is not run
            again, so training that was cut short goes on from its last whole stage.
        plan: The stages.
        processes: Processes that draw training images.
        held_out: Number of held-out scenes to test on.
    """
    out.mkdir(parents=True, exist_ok=True)
    write_tokenizer(out)
    learner = _new_learner(_read_tokenizer(out))
    with ProcessPoolExecutor(processes, get_context("spawn")) as executor:
        for number, stage in enumerate(plan):
            kept = work / f"stage_{number + 1}.pt" if work is not None else None
            if kept is not None and kept.exists():
                _restore(learner, kept)
            else:
                torch.manual_seed(SEED + number + 1)
                run_stage(learner, stage, executor, first_seed(number), _log)
                if kept is not None:
                    _keep(learner, kept)
            if stage.trains_all:
                learner.past.load_state_dict(learner.model.state_dict())
    learner.model.eval()
    write_checkpoint(learner.model, out)
    return held_out_accuracy(learner.model, learner.tokens, held_out)


def _new_learner(tokenizer: PreTrainedTokenizerBase) -> Learner:
    torch.manual_seed(SEED)
    model, kinds = new_model(tokenizer), nn.Linear(WIDTH, len(KINDS))
    return Learner(model, kinds, PromptTokens.of(tokenizer), deepcopy(model))


def _read_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    # There is no config.json yet that would say which class reads these files.
    return AutoTokenizer.from_pretrained(folder, tokenizer_type="qwen2")


def _keep(learner: Learner, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"model": learner.model.state_dict(), "kinds": learner.kinds.state_dict()}, path)


def _restore(learner: Learner, path: Path) -> None:
    state = torch.load(path, weights_only=True)
    learner.model.load_state_dict(state["model"])
    learner.kinds.load_state_dict(state["kinds"])


def _log(line: str) -> None:
    print(line, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder that the checkpoint is written to")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the length of training")
    parser.add_argument("--work", type=Path, help="folder that keeps the state after each stage")
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    accuracy = train(options.out, options.work, stages(options.scale), processes=os.cpu_count() or 1)
    _log(f"trained and tested in {(time.perf_counter() - started) / 60:.1f} minutes; on held-out scenes:")
    _log(str(accuracy))


if __name__ == "__main__":
    main()
