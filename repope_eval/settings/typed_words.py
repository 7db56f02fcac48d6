"""Words of a command line as they were typed: a text that Hydra would read otherwise is quoted for it."""

from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException

from repope_eval.settings.schema import annotation_of, is_any_text, is_list, keys_of


def as_typed(record: type, words: Sequence[str], *, multirun: bool) -> list[str]:
    """The words, in quotes of Hydra's where a field of text would else not get what stands behind the `=`.

    Outer spaces, and what Hydra's grammar does not know (`LLaVA (7B).jsonl`), are a text's own; a sweep with -m,
    `null`, interpolations and what is in quotes already are Hydra's.

    Args:
        record: the settings that the words are of.
        words: `key=value`.
        multirun: whether several values are a sweep.
    """
    texts = {
        key: is_list(annotation)
        for key in keys_of(record)
        if is_any_text(annotation := annotation_of(record, key))
    }
    return [_as_typed(word, texts, multirun=multirun) for word in words]


def _as_typed(word: str, texts: dict[str, bool], *, multirun: bool) -> str:
    key, equals, value = word.partition("=")
    if not equals or key not in texts or _is_read_as_typed(word, value, texts[key], multirun):
        return word
    return f"{key}={QuotedString(value, Quote.single).with_quotes()}"


def _is_read_as_typed(word: str, value: str, may_be_list: bool, multirun: bool) -> bool:
    try:
        override = OverridesParser.create().parse_override(word)
    except (HydraException, ValueError, RecursionError):
        # No word of its grammar, or a number of thousands of digits. What is meant as a list is Hydra's to refuse.
        return may_be_list and value.startswith("[") and value.endswith("]")
    if override.is_sweep_override():
        return multirun
    read = override.value()
    if isinstance(read, list):
        return may_be_list
    if read is None or value.strip().startswith(("'", '"')):
        return True
    if isinstance(read, str):
        return value == value.strip()
    return str(read) == value  # a commit such as 12e4567 is no number
