"""The table of families, and which of them a checkpoint belongs to."""

import dataclasses
from importlib import import_module
from typing import TYPE_CHECKING

from repope_eval.errors import RepopeError
from repope_eval.settings.askers import CHAT, SERVER

if TYPE_CHECKING:
    from repope_eval.models.checkpoints import Checkpoint
    from repope_eval.models.recipe import Recipe, RecipeOptions
    from repope_eval.settings.config import ModelSettings, Prompt

FAMILIES = {
    "internvl2_5": "repope_eval.models.internvl:InternVLRecipe",
    "ovis2": "repope_eval.models.ovis2:Ovis2Recipe",
    "llava_next": "repope_eval.models.llava:LlavaNextRecipe",
    "llava_onevision": "repope_eval.models.llava:LlavaOnevisionRecipe",
    "paligemma": "repope_eval.models.paligemma:PaliGemmaRecipe",
}
"""Name in a configuration file -> where its recipe is."""

PROCESSOR_FILES = {"paligemma": ("tokenizer.json", "preprocessor_config.json")}
"""Family -> files without which no recipe is made, and which a revision of its published checkpoints may lack.

They stand here, and not in the recipe, because a checkpoint is found before torch is imported.
"""


def require_family(family: str) -> None:
    """Refuses a family that is not in the table, without loading anything."""
    if family == SERVER:
        raise RepopeError(
            "model=endpoint: a server has the model, and this machine nothing of it to show or to fetch"
        )
    if family not in FAMILIES:
        raise RepopeError(
            f"model.family={family}: no such family; there are {', '.join(FAMILIES)}, and {CHAT} for what else "
            "transformers has a class for"
        )


def checkpoint_of(settings: "ModelSettings", *, download: bool = True) -> "Checkpoint":
    """The checkpoint that a model's settings name, with its adapter; torch is not imported.

    Raises:
        RepopeError: the family is unknown, or as `find_checkpoint` and `find_adapter`.
    """
    from repope_eval.models.adapters import find_adapter
    from repope_eval.models.checkpoints import find_checkpoint  # the Hub's library takes a while

    if settings.family != CHAT:
        require_family(settings.family)
    files = PROCESSOR_FILES.get(settings.family, ())
    checkpoint = find_checkpoint(
        settings.checkpoint, settings.revision, processor_files=files, download=download
    )
    if settings.adapter is None:
        return checkpoint
    adapter = find_adapter(settings.adapter, settings.adapter_revision or "main", download=download)
    return dataclasses.replace(checkpoint, adapter=adapter)


def recipe_of(
    family: str, checkpoint: "Checkpoint", options: "RecipeOptions", prompt: "Prompt" = "paper"
) -> "Recipe":
    """Makes the recipe of a checkpoint.

    Args:
        family: a key of `FAMILIES`.
        options: departures from the recipe.
        prompt: whose recipe it is; options that are given win over that harness's own.

    Raises:
        RepopeError: the family is unknown, the checkpoint is another's, one of its files is missing or broken,
            or an option means nothing to the family.
    """
    recipe = recipe_class(family)
    if not recipe.recognises(checkpoint.fields):
        named = [name for name in FAMILIES if recipe_class(name).recognises(checkpoint.fields)]
        what = (
            f"of family {named[0]}; pick a model of that family"
            if named
            else f"a model_type {checkpoint.config.get('model_type')!r}, which no family reads; try model={CHAT}"
        )
        raise RepopeError(f"{checkpoint.folder}: is no {recipe.family} checkpoint but {what}")
    asked = [name for name, value in dataclasses.asdict(options).items() if value is not None]
    unheeded = [f"model.{name}" for name in asked if name not in recipe.options]
    if unheeded:
        raise RepopeError(f"{', '.join(unheeded)}: {recipe.family} has no such thing; leave it out")
    return recipe(checkpoint, _harness_options(recipe, prompt, options))


def _harness_options(recipe: "type[Recipe]", prompt: "Prompt", options: "RecipeOptions") -> "RecipeOptions":
    """The options, with those of another harness where none are given."""
    if prompt == "paper":
        return options
    if prompt not in recipe.prompts:
        known = " and ".join(["paper", *recipe.prompts])
        raise RepopeError(f"model.prompt={prompt}: known of {recipe.family} is {known}; choose one of them")
    given = {name: value for name, value in dataclasses.asdict(options).items() if value is not None}
    return dataclasses.replace(recipe.prompts[prompt], **given)


def recipe_class(family: str) -> "type[Recipe]":
    """The class of a family's recipes."""
    require_family(family)
    module, _, name = FAMILIES[family].partition(":")
    recipe: type[Recipe] = getattr(import_module(module), name)
    return recipe
