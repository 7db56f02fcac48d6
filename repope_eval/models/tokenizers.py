"""Tokenizers read from a checkpoint's own files, without the checkpoint's code."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from sentencepiece import SentencePieceProcessor
from tokenizers import Tokenizer as TokenizersTokenizer
from tokenizers import normalizers
from transformers import Qwen2Tokenizer

from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.description import (
    TOKENIZER_CONFIG,
    read_added_tokens,
    read_end_token_ids,
    read_fields,
    read_special_tokens,
)
from repope_eval.models.fields import blamed_on

BREAK = "\ufdd0"
"""Stands inside what is spelled like a special token and is none; encoding drops it.

A character that Unicode sets aside for such uses, and that no text has.
"""


class Tokenizer(Protocol):
    """What a recipe needs of a tokenizer."""

    def vocabulary(self) -> dict[str, int]:
        """All tokens as the vocabulary writes them, with their ids."""
        ...

    def token_id(self, token: str) -> int:
        """The id of a special token."""
        ...

    def as_plain(self, text: str) -> str:
        """The text with a `BREAK` in whatever is spelled like a special token, so that none comes of it.

        Raises:
            RepopeError: it is no text that UTF-8 can write, which no tokenizer reads.
        """
        ...

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, nothing added."""
        ...

    def encode_prompt(self, text: str) -> list[int]:
        """Token ids of a whole prompt, begin token and all."""
        ...

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of token ids, special tokens left out."""
        ...


class FastTokenizer:
    """A tokenizer of the tokenizers library, which knows its special tokens itself."""

    def __init__(self, checkpoint: Checkpoint, backend: TokenizersTokenizer, begin_token: str | None) -> None:
        self._folder = checkpoint.folder
        self._tokenizer = backend
        _drop_breaks(backend)
        self._starts = _starts(_special_tokens(backend))
        self._begin = [] if begin_token is None else [self.token_id(begin_token)]

    def vocabulary(self) -> dict[str, int]:
        """All tokens as the vocabulary writes them, with their ids."""
        return dict(self._tokenizer.get_vocab())

    def token_id(self, token: str) -> int:
        """The id of a special token."""
        return _known(self._folder, token, self._tokenizer.token_to_id(token))

    def as_plain(self, text: str) -> str:
        """The text with a `BREAK` in whatever is spelled like a special token."""
        return _with_breaks(text, self._starts)

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, nothing added."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def encode_prompt(self, text: str) -> list[int]:
        """Token ids of a whole prompt, the begin token first where there is one."""
        return [*self._begin, *self.encode(text)]

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of token ids, special tokens left out."""
        return self._tokenizer.decode(list(token_ids), skip_special_tokens=True)


class TokenizerFile(FastTokenizer):
    """The tokenizer that a tokenizer.json describes in full, as the `-hf` conversions have it."""

    def __init__(self, checkpoint: Checkpoint, begin_token: str | None = None) -> None:
        _require_files(checkpoint, "tokenizer.json")
        path = checkpoint.path("tokenizer.json")
        with blamed_on(path):
            backend = TokenizersTokenizer.from_file(str(path))
        super().__init__(checkpoint, backend, begin_token)


class QwenTokenizer(FastTokenizer):
    """Qwen2's byte-level tokenizer, out of vocab.json and merges.txt or a tokenizer.json; it has no begin token.

    Its special tokens are added by added_tokens.json or tokenizer_config.json, whichever is there.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        if not checkpoint.path("tokenizer.json").is_file():
            _require_files(checkpoint, "vocab.json", "merges.txt")
        for read in (read_added_tokens, read_special_tokens):
            read(checkpoint)  # what is wrong with a file is said by its name
        read_fields(checkpoint, "vocab.json")
        with blamed_on(f"{checkpoint.folder}: the tokenizer of {', '.join(_qwen_files(checkpoint))}"):
            tokenizer = Qwen2Tokenizer.from_pretrained(checkpoint.folder)
        super().__init__(checkpoint, tokenizer.backend_tokenizer, begin_token=None)

    @property
    def size(self) -> int:
        """Number of tokens, special ones and all: the first id that no token has."""
        return self._tokenizer.get_vocab_size()


def _qwen_files(checkpoint: Checkpoint) -> list[str]:
    """Names of the files that the library reads, and among which it does not say where it failed."""
    names = ("tokenizer.json", "vocab.json", "merges.txt", "added_tokens.json", TOKENIZER_CONFIG)
    return [name for name in names if checkpoint.path(name).is_file()]


class InternLM2Tokenizer:
    """InternLM2's tokenizer out of tokenizer.model and the tokens added to it; its class is checkpoint code.

    Some of the added tokens, `<|im_end|>` among them, are pieces of the model file under another name.
    Each stretch of text between special tokens is encoded by itself, so the model file's own
    `add_dummy_prefix` decides whether a stretch starts with a space mark; `<s>` starts a prompt.
    """

    _CONTROL_TOKENS = ("<unk>", "<s>", "</s>")

    def __init__(self, checkpoint: Checkpoint) -> None:
        _require_files(checkpoint, "tokenizer.model")
        self._folder = checkpoint.folder
        path = checkpoint.path("tokenizer.model")
        with blamed_on(path):
            self._pieces = SentencePieceProcessor(model_file=str(path))
        controls = {token: self._pieces.piece_to_id(token) for token in self._CONTROL_TOKENS}
        self._special = controls | read_added_tokens(checkpoint)
        self._splitter = re.compile(f"({_any_of(self._special)})")
        self._starts = _starts(self._special)

    def vocabulary(self) -> dict[str, int]:
        """All tokens as the vocabulary writes them, with their ids."""
        renamed = set(self._special.values())
        pieces = set(range(self._pieces.get_piece_size())) - renamed
        return {self._pieces.id_to_piece(token_id): token_id for token_id in sorted(pieces)} | self._special

    def token_id(self, token: str) -> int:
        """The id of a special token."""
        return _known(self._folder, token, self._special.get(token))

    def as_plain(self, text: str) -> str:
        """The text with a `BREAK` in whatever is spelled like a special token."""
        return _with_breaks(text, self._starts)

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, without the begin token."""
        token_ids: list[int] = []
        for part in self._splitter.split(text):
            if part in self._special:
                token_ids.append(self._special[part])
            elif part:
                token_ids.extend(self._pieces.encode(part.replace(BREAK, "")))
        return token_ids

    def encode_prompt(self, text: str) -> list[int]:
        """Token ids of a whole prompt, `<s>` first."""
        return [self._special["<s>"], *self.encode(text)]

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of token ids, special tokens left out."""
        special = set(self._special.values())
        text: str = self._pieces.decode([token_id for token_id in token_ids if token_id not in special])
        return text


def _special_tokens(tokenizer: TokenizersTokenizer) -> list[str]:
    """What no text may spell: not the many tokens for spaces, tags or places that were only added later."""
    return [token.content for token in tokenizer.get_added_tokens_decoder().values() if token.special]


def _any_of(tokens: Iterable[str]) -> str:
    """A pattern of the tokens, the longest first: where two begin at one place, a tokenizer takes that."""
    return "|".join(map(re.escape, sorted(tokens, key=len, reverse=True))) or "(?!)"


def _starts(tokens: Iterable[str]) -> re.Pattern[str]:
    """A pattern of the first characters of tokens, also of those that overlap."""
    return re.compile(f"(?=(?:{_any_of(tokens)}))(.)", re.DOTALL)


def _with_breaks(text: str, starts: re.Pattern[str]) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RepopeError(
            f"{text!a} is no text: character {error.start + 1} is half of a pair (JSON may spell one "
            "so); write it whole"
        ) from error
    return starts.sub(rf"\1{BREAK}", text)


def _drop_breaks(tokenizer: TokenizersTokenizer) -> None:
    """Has breaks dropped after special tokens were looked for: normalizing comes after that."""
    own = [] if tokenizer.normalizer is None else [tokenizer.normalizer]
    tokenizer.normalizer = normalizers.Sequence([normalizers.Replace(BREAK, ""), *own])


def read_stop_token_ids(checkpoint: Checkpoint, tokenizer: Tokenizer) -> tuple[int, ...]:
    """The end tokens of a checkpoint's configurations, which name one or list several, else its tokenizer's.

    Raises:
        RepopeError: no file names one.
    """
    named = read_end_token_ids(checkpoint)
    token = read_special_tokens(checkpoint).get("eos_token")
    if not named and token is None:
        raise RepopeError(
            f"{checkpoint.folder}: neither generation_config.json nor config.json has an eos_token_id, and the "
            "tokenizer has no eos_token, so no answer would end; download it again"
        )
    return named or (tokenizer.token_id(str(token)),)


def _known(folder: Path, token: str, token_id: int | None) -> int:
    if token_id is None:
        raise RepopeError(f"{folder}: its tokenizer has no {token}; download its files again")
    return token_id


def _require_files(checkpoint: Checkpoint, *names: str) -> None:
    missing = [name for name in names if not checkpoint.path(name).is_file()]
    if missing:
        raise RepopeError(
            f"{checkpoint.folder}: the tokenizer's {' and '.join(missing)} is missing; download it again"
        )
