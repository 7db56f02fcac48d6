"""InternLM2's tokenizer, read from a checkpoint's SentencePiece file without the checkpoint's code."""

import re
from collections.abc import Sequence

from sentencepiece import SentencePieceProcessor

from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.description import read_added_tokens
from repope_eval.models.fields import blamed_on
from repope_eval.models.tokenizers import BREAK, Tokenizer, any_of, require_files


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
