"""Tokenizers read from a checkpoint's own files, without the checkpoint's code."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from sentencepiece import SentencePieceProcessor
from tokenizers import Tokenizer as TokenizersTokenizer
from tokenizers import normalizers
from transformers import Qwen2Tokenizer

from repope_eval.errors import RepopeError
from repope_eval.json_files import read_json

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


class QwenTokenizer:
    """Qwen2's byte-level tokenizer out of vocab.json, merges.txt and the files naming its special tokens."""

    def __init__(self, folder: Path) -> None:
        _require_files(folder, "vocab.json", "merges.txt", "added_tokens.json", "tokenizer_config.json")
        self._tokenizer = Qwen2Tokenizer.from_pretrained(folder)
        _drop_breaks(self._tokenizer.backend_tokenizer)
        self._starts = _starts(_special_tokens(self._tokenizer.backend_tokenizer))

    @property
    def size(self) -> int:
        """Number of tokens, special ones and all: the first id that no token has."""
        return len(self._tokenizer)

    def vocabulary(self) -> dict[str, int]:
        """All tokens as the vocabulary writes them, with their ids."""
        return dict(self._tokenizer.get_vocab())

    def token_id(self, token: str) -> int:
        """The id of a special token."""
        return int(self._tokenizer.convert_tokens_to_ids(token))

    def as_plain(self, text: str) -> str:
        """The text with a `BREAK` in whatever is spelled like a special token."""
        return _with_breaks(text, self._starts)

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, nothing added."""
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def encode_prompt(self, text: str) -> list[int]:
        """The same: Qwen2 has no begin token."""
        return self.encode(text)

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of token ids, special tokens left out."""
        return str(self._tokenizer.decode(list(token_ids), skip_special_tokens=True))


class InternLM2Tokenizer:
    """InternLM2's tokenizer out of tokenizer.model and added_tokens.json; its class is checkpoint code.

    Each stretch of text between special tokens is encoded by itself, so the model file's own
    `add_dummy_prefix` decides whether a stretch starts with a space mark; `<s>` starts a prompt.
    """

    _CONTROL_TOKENS = ("<unk>", "<s>", "</s>")

    def __init__(self, folder: Path) -> None:
        _require_files(folder, "tokenizer.model", "added_tokens.json")
        self._pieces = SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
        added: dict[str, int] = json.loads((folder / "added_tokens.json").read_text(encoding="utf-8"))
        controls = {token: self._pieces.piece_to_id(token) for token in self._CONTROL_TOKENS}
        self._special = controls | added
        self._splitter = re.compile(f"({_any_of(self._special)})")
        self._starts = _starts(self._special)

    def vocabulary(self) -> dict[str, int]:
        """All tokens as the vocabulary writes them, with their ids."""
        size = self._pieces.get_piece_size()
        return {self._pieces.id_to_piece(token_id): token_id for token_id in range(size)} | self._special

    def token_id(self, token: str) -> int:
        """The id of a special token."""
        return self._special[token]

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


class TokenizerFile:
    """The tokenizer that a tokenizer.json describes in full, as the `-hf` conversions have it."""

    def __init__(self, folder: Path, begin_token: str | None = None) -> None:
        _require_files(folder, "tokenizer.json")
        path = folder / "tokenizer.json"
        try:
            self._tokenizer = TokenizersTokenizer.from_file(str(path))
        except Exception as error:  # the library raises no narrower one
            raise RepopeError(f"{path}: is no tokenizer ({error}); download it again") from error
        _drop_breaks(self._tokenizer)
        self._starts = _starts(_special_tokens(self._tokenizer))
        self._begin = [] if begin_token is None else [self.token_id(begin_token)]

    def vocabulary(self) -> dict[str, int]:
        """All tokens as the vocabulary writes them, with their ids."""
        return dict(self._tokenizer.get_vocab())

    def token_id(self, token: str) -> int:
        """The id of a special token."""
        token_id = self._tokenizer.token_to_id(token)
        if token_id is None:
            raise KeyError(token)
        return token_id

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


def read_stop_token_ids(folder: Path) -> tuple[int, ...]:
    """The end tokens of a checkpoint's generation configuration, which names one or lists several.

    Raises:
        RepopeError: the file is missing, or names none.
    """
    path = folder / "generation_config.json"
    ends = read_json(path).get("eos_token_id")
    if ends is None:
        raise RepopeError(f"{path}: names no eos_token_id, so no answer would end")
    return tuple(ends) if isinstance(ends, list) else (int(ends),)


def _require_files(folder: Path, *names: str) -> None:
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise RepopeError(f"{folder}: the tokenizer's {' and '.join(missing)} is missing; download it again")
