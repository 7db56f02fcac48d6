"""Changes of a golden's small files: as real checkpoints differ from it, or as files go wrong."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from perf.golden import GOLDENS, change_weights
from repope_eval.models.loading import Described, read_description
from repope_eval.settings.composition import model_settings

Change = Callable[[Path], None]


def read_golden_description(folder: Path) -> Described:
    """What the small files of a golden, or of a copy of one under its name, say."""
    family, model, _ = GOLDENS[folder.name]
    return read_description(replace(model_settings(model), family=family, checkpoint=str(folder)))


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def place(content: dict[str, Any], field: str) -> tuple[dict[str, Any], str]:
    """The object that a field with dots in its name is in, and its name there."""
    *parents, name = field.split(".")
    for parent in parents:
        content = content[parent]
    return content, name


def without_files(*names: str) -> Change:
    def change(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return change


def without_fields(file: str, *fields: str) -> Change:
    """Leaves fields out: those of the goldens here have the values that they have where they are left out."""

    def change(folder: Path) -> None:
        for field in fields:
            rewrite(folder / file, lambda content, field=field: dict.pop(*place(content, field)))

    return change


def with_field(file: str, field: str, value: object) -> Change:
    def change(folder: Path) -> None:
        def put(content: dict[str, Any]) -> None:
            parent, name = place(content, field)
            parent[name] = value

        rewrite(folder / file, put)

    return change


def with_the_vision_fields(*names: str) -> Change:
    """No more than these in `vision_config`."""

    def shorten(config: dict[str, Any]) -> None:
        config["vision_config"] = {name: config["vision_config"][name] for name in names}

    return lambda folder: rewrite(folder / "config.json", shorten)


def with_the_template_in(file: str) -> Change:
    def change(folder: Path) -> None:
        template = json.loads((folder / "chat_template.json").read_text())["chat_template"]
        (folder / "chat_template.json").unlink()
        if file.endswith(".jinja"):
            (folder / file).write_text(template)
        else:
            rewrite(folder / file, lambda content: content.update(chat_template=template))

    return change


def with_named_templates(folder: Path) -> None:
    with_the_template_in("tokenizer_config.json")(folder)

    def name(content: dict[str, Any]) -> None:
        template = content["chat_template"]
        named = {"tool_use": "{{ messages }}", "default": template}
        content["chat_template"] = [{"name": key, "template": value} for key, value in named.items()]

    rewrite(folder / "tokenizer_config.json", name)


def with_image_settings_in_the_processor(folder: Path) -> None:
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").unlink()
    rewrite(folder / "processor_config.json", lambda content: content.update(image_processor=settings))


def with_rope_type(folder: Path) -> None:
    with_field("config.json", "llm_config.rope_scaling", {"rope_type": "dynamic", "factor": 2.0})(folder)


def with_the_tied_head_in_the_file(folder: Path) -> None:
    embeddings = load_file(folder / "model.safetensors")["llm.model.embed_tokens.weight"]
    change_weights(folder, **{"llm.lm_head.weight": embeddings.clone()})


def without_the_tied_head(folder: Path) -> None:
    change_weights(folder, **{"llm.lm_head.weight": None})
