"""Tokenizers and chat templates, read from a checkpoint's own files, within bounds and without its code."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from sentencepiece import SentencePieceProcessor
from tokenizers import Tokenizer as TokenizersTokenizer
from tokenizers import normalizers
from transformers import Qwen2Tokenizer

from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.description import (
    GENERATION_CONFIG,
    TOKENIZER_CONFIG,
    read_added_tokens,
    read_fields,
    read_special_tokens,
)
from repope_eval.models.fields import blamed_on, first_line
from repope_eval.models.transformers_internals import render_jinja_template
from repope_eval.system.bounded_work import bounded_work

MOST_SECONDS = 5.0
"""The longest that a rendering may compute; it takes milliseconds."""

MOST_BYTES = 2**30
"""The most memory that a rendering may take; a prompt is a few thousand characters."""

MOST_CHARACTERS = 100_000
"""The most characters that a template may put around a text."""


class ChatTemplate:
    """A chat template in Jinja; transformers renders one user turn with it: an image, if any, then a text."""

    def __init__(self, path: Path, template: str, special_tokens: Mapping[str, str]) -> None:
        """
        Args:
            path: file that it is from.
            template: its text.
            special_tokens: role -> token, which it may name.
        """
        self.path = path
        self._template = template
        self._special_tokens = dict(special_tokens)
        self.render("")

    def render(self, text: str, *, shows_image: bool = True) -> str:
        """Renders the turn, and the opening of the answer."""
        images = [{"type": "image"}] if shows_image else []
        content = [*images, {"type": "text", "text": text}]

        def render() -> str:
            (prompt,), _ = render_jinja_template(
                conversations=[[{"role": "user", "content": content}]],
                chat_template=self._template,
                add_generation_prompt=True,
                **self._special_tokens,
            )
            return str(prompt)

        return rendered(self.path, len(text), render)


def rendered(path: Path, given: int, render: Callable[[], str]) -> str:
    """What a template makes of a text, within the bounds, whichever text it is.

    Args:
        path: the template's file.
        given: the characters of what is put into it.
        render: renders it.

    Raises:
        RepopeError: its expressions fail, it takes too much time or memory, or it makes too much of the text.
    """
    try:
        with bounded_work(MOST_SECONDS, MOST_BYTES):
            prompt = str(render())
    except Exception as error:  # its expressions raise whatever they do
        raise RepopeError(f"{path}: the chat template cannot be rendered ({first_line(error)})") from error
    if len(prompt) > given + MOST_CHARACTERS:
        raise RepopeError(
            f"{path}: the chat template makes {len(prompt):,} characters of {given:,}; at most {MOST_CHARACTERS:,} "
            "more are expected"
        )
    return prompt


BREAK = "\ufdd0"
"""Stands inside a text that is spelled like a special token and is none; encoding drops it.

Unicode sets this character aside for such uses, and no text has it.
"""


class PlainText:
    """Keeps what is spelled like a special token in a text from becoming one."""

    def __init__(self, special_tokens: Iterable[str]) -> None:
        """Takes the special tokens that a text may not spell."""
        self._starts = re.compile(f"(?=(?:{any_of(special_tokens)}))(.)", re.DOTALL)

    def __call__(self, text: str) -> str:
        """The text with a `BREAK` in whatever is spelled like a special token, so that none comes of it.

        Raises:
            RepopeError: it is no text that UTF-8 can write, which no tokenizer reads.
        """
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise RepopeError(
                f"{text!a} is no text: character {error.start + 1} is half of a pair (JSON may spell one "
                "so); write it whole"
            ) from error
        return self._starts.sub(rf"\1{BREAK}", text)


def drop_breaks(backend: TokenizersTokenizer) -> None:
    """Has a tokenizer drop each `BREAK`, after it has looked for special tokens in a text."""
    own = [] if backend.normalizer is None else [backend.normalizer]
    backend.normalizer = normalizers.Sequence([normalizers.Replace(BREAK, ""), *own])


class Tokenizer(ABC):
    """What a recipe needs of a tokenizer, whatever files it is read from."""

    def __init__(self, folder: Path, special_tokens: Iterable[str], begin_token: str | None) -> None:
        """
        Args:
            folder: of the checkpoint, which error lines name.
            special_tokens: what no question may spell.
            begin_token: the token that a prompt begins with; None where there is none.
        """
        self._folder = folder
        self._begin = [] if begin_token is None else [self.token_id(begin_token)]
        self._plain_text = PlainText(special_tokens)

    def token_id(self, token: str) -> int:
        """The id of a special token."""
        token_id = self.find_token(token)
        if token_id is None:
            raise RepopeError(f"{self._folder}: its tokenizer has no {token}; download its files again")
        return token_id

    def as_plain(self, text: str) -> str:
        """The text with a `BREAK` in whatever is spelled like a special token, so that none comes of it."""
        return self._plain_text(text)

    @abstractmethod
    def find_token(self, token: str) -> int | None:
        """The id of a special token; None where there is no such token."""

    @abstractmethod
    def vocabulary(self) -> dict[str, int]:
        """All tokens as the vocabulary writes them, with their ids."""

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Token ids of a text, nothing added."""

    def encode_prompt(self, text: str) -> list[int]:
        """Token ids of a whole prompt, the begin token first where there is one."""
        return [*self._begin, *self.encode(text)]

    @abstractmethod
    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of token ids, special tokens left out."""


class TokenizerFile(Tokenizer):
    """The tokenizer that a tokenizer.json describes in full, as the `-hf` conversions have it.

    It is one of the tokenizers library, which knows its special tokens itself.
    """

    def __init__(self, checkpoint: Checkpoint, begin_token: str | None = None) -> None:
        backend = self._tokenizer = self._read_tokenizer(checkpoint)
        added = backend.get_added_tokens_decoder().values()
        # Many tokens for spaces, tags or coordinates are added as well, and are no special ones.
        super().__init__(checkpoint.folder, [token.content for token in added if token.special], begin_token)
        drop_breaks(backend)

    def _read_tokenizer(self, checkpoint: Checkpoint) -> TokenizersTokenizer:
        require_files(checkpoint, "tokenizer.json")
        path = checkpoint.path("tokenizer.json")
        with blamed_on(path):
            return TokenizersTokenizer.from_file(str(path))

    def find_token(self, token: str) -> int | None:
        """The id of a token; None where there is no such token."""
        return self._tokenizer.token_to_id(token)

    def vocabulary(self) -> dict[str, int]:
        """All tokens as the vocabulary writes them, with their ids."""
        return dict(self._tokenizer.get_vocab())

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, nothing added."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of token ids, special tokens left out."""
        return self._tokenizer.decode(list(token_ids), skip_special_tokens=True)


class QwenTokenizer(TokenizerFile):
    """Qwen2's byte-level tokenizer, read from vocab.json and merges.txt or tokenizer.json; it has no begin token.

    Its special tokens are added by added_tokens.json or tokenizer_config.json, whichever is there.
    """

    def _read_tokenizer(self, checkpoint: Checkpoint) -> TokenizersTokenizer:
        if not checkpoint.path("tokenizer.json").is_file():
            require_files(checkpoint, "vocab.json", "merges.txt")
        for read in (read_added_tokens, read_special_tokens):
            read(checkpoint)  # an error in one of these files names that file
        read_fields(checkpoint, "vocab.json")
        names = ("tokenizer.json", "vocab.json", "merges.txt", "added_tokens.json", TOKENIZER_CONFIG)
        here = [name for name in names if checkpoint.path(name).is_file()]
        # The library does not say in which of its files it failed.
        with blamed_on(f"{checkpoint.folder}: the tokenizer of {', '.join(here)}"):
            backend: TokenizersTokenizer = Qwen2Tokenizer.from_pretrained(checkpoint.folder).backend_tokenizer
        return backend


def any_of(tokens: Iterable[str]) -> str:
    """A pattern of the tokens, the longest first: where two begin at one character, a tokenizer takes it."""
    return "|".join(map(re.escape, sorted(tokens, key=len, reverse=True))) or "(?!)"


def read_stop_token_ids(checkpoint: Checkpoint, tokenizer: Tokenizer) -> tuple[int, ...]:
    """The end tokens that generation_config.json names, else those of config.json, else the tokenizer's own.

    Source: where there is no generation configuration, transformers makes one of the model's configuration.
    """
    generation, config = read_fields(checkpoint, GENERATION_CONFIG), checkpoint.fields
    files = (generation, config, config.part("text_config"))
    named = next(filter(None, (fields.token_ids("eos_token_id") for fields in files)), ())
    token = read_special_tokens(checkpoint).get("eos_token")
    if not named and token is None:
        raise RepopeError(
            f"{checkpoint.folder}: neither generation_config.json nor config.json has an eos_token_id, and the "
            "tokenizer has no eos_token, so no answer would end; download it again"
        )
    return named or (tokenizer.token_id(str(token)),)


def require_files(checkpoint: Checkpoint, *names: str) -> None:
    """Checks that a tokenizer's files are there."""
    missing = [name for name in names if not checkpoint.path(name).is_file()]
    if missing:
        raise RepopeError(
            f"{checkpoint.folder}: the tokenizer's {' and '.join(missing)} is missing; download it again"
        )


class InternLM2Tokenizer(Tokenizer):
    """InternLM2's tokenizer out of tokenizer.model and the tokens added to it; its class is checkpoint code.

    Some of the added tokens, `<|im_end|>` among them, are pieces of the model file under another name.
    Each stretch of text between special tokens is encoded by itself, so the model file's own
    `add_dummy_prefix` decides whether a stretch starts with a space mark; `<s>` starts a prompt.
    """

    _CONTROL_TOKENS = ("<unk>", "<s>", "</s>")

    def __init__(self, checkpoint: Checkpoint) -> None:
        require_files(checkpoint, "tokenizer.model")
        path = checkpoint.path("tokenizer.model")
        with blamed_on(path):
            self._pieces = SentencePieceProcessor(model_file=str(path))
        controls = {token: self._pieces.piece_to_id(token) for token in self._CONTROL_TOKENS}
        self._special = controls | read_added_tokens(checkpoint)
        super().__init__(checkpoint.folder, self._special, "<s>")
        self._splitter = re.compile(f"({any_of(self._special)})")

    def find_token(self, token: str) -> int | None:
        """The id of a special token; None where there is no such token."""
        return self._special.get(token)

    def vocabulary(self) -> dict[str, int]:
        """All tokens as the vocabulary writes them, with their ids."""
        renamed = set(self._special.values())
        pieces = set(range(self._pieces.get_piece_size())) - renamed
        return {self._pieces.id_to_piece(token_id): token_id for token_id in sorted(pieces)} | self._special

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, without the begin token."""
        token_ids: list[int] = []
        for part in self._splitter.split(text):
            if part in self._special:
                token_ids.append(self._special[part])
            elif part:
                token_ids.extend(self._pieces.encode(part.replace(BREAK, "")))
        return token_ids

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of token ids, special tokens left out."""
        special = set(self._special.values())
        text: str = self._pieces.decode([token_id for token_id in token_ids if token_id not in special])
        return text
