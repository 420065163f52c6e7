"""Embeddings by WordLlama: static vectors, packed in its wheel, about 50 microseconds a text.

A text's vector is the mean of its tokens' vectors. No token of this tokenizer has a blank behind another letter, so a
text's tokens are those of its words; they are kept for each word, which is three times as fast as taking every text
apart anew, as WordLlama's own `embed` does.

Of its package only the files are used: imported, it holds the vectors at twice the size, and brings what downloads
models. They stay in their file, of which those parts are in memory that were used.
"""

import asyncio
import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from typing_extensions import override

from services.memory.adapters.cosines import cosines
from services.memory.adapters.embedders import files
from services.memory.ports.embedder import Embedder

_FLOAT = np.dtype("<f4")
_HALF_BITS = np.dtype("<i2")
_WORD = re.compile("▁+[^▁]*")
_SPECIAL = re.compile("</?s>|<unk>")
"""What the tokenizer takes for one token wherever it stands."""
_KEPT, _SHORT = 20_000, 32
"""How many words' tokens are kept, and how long these words may be."""
_KNOWN, _LETTER_BY_LETTER = 0.5, 1.0
"""Tokens for each letter: at most in languages that the vectors were trained with, and of scripts that they weren't."""
_AT_ONCE = 64
"""How many vectors are brought to unit length in one step."""
_FEW = 10_000
"""More letters to embed take longer than handing them to a thread."""


class WordLlamaEmbedder(Embedder):
    """Embeds few texts in the event loop: a text costs less than handing it to a thread."""

    is_instant = True
    batch = 1_000

    def __init__(self, dimensions: int = 256) -> None:
        self.model = f"wordllama-{dimensions}"
        self._dimensions = dimensions
        folder = files()
        # The first dimensions of its vectors are vectors too (Kusupati et al., "Matryoshka Representation Learning",
        # 2022).
        self._vectors = _read(folder / "weights" / "l2_supercat_256.safetensors")[:, :dimensions]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
        self._tokenizer.no_truncation()
        self._tokens: dict[str, list[int]] = {}

    @override
    async def embed(self, texts: Sequence[str], agent_id: str = "") -> list[bytes]:
        if sum(map(len, texts)) > _FEW:
            return await asyncio.to_thread(self._embed, texts)
        return self._embed(texts)

    @override
    async def familiarity(self, text: str) -> float:
        tokens = len(self._tokens_of(text)) / max(1, len(text))
        return min(1.0, max(0.0, (_LETTER_BY_LETTER - tokens) / (_LETTER_BY_LETTER - _KNOWN)))

    @override
    async def similarities(self, vector: bytes, others: Sequence[bytes]) -> list[float]:
        return await cosines(vector, others)

    def _embed(self, texts: Sequence[str]) -> list[bytes]:
        starts = range(0, len(texts), _AT_ONCE)
        return [vector for start in starts for vector in self._embed_few(texts[start : start + _AT_ONCE])]

    def _embed_few(self, texts: Sequence[str]) -> list[bytes]:
        sums = np.zeros((len(texts), self._dimensions), _FLOAT)
        for text, total in zip(texts, sums, strict=True):
            if tokens := self._tokens_of(text):
                np.add.reduce(_floats(self._vectors[tokens]), axis=0, out=total)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        lengths[lengths == 0] = 1.0  # a text without a token has no direction
        sums /= lengths
        return [vector.tobytes() for vector in sums]

    def _tokens_of(self, text: str) -> list[int]:
        if "<" in text and _SPECIAL.search(text):
            special: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
            return special
        if not text:
            return []
        # Several blanks belong to the word behind them.
        is_plain = "  " not in text and "▁" not in text and text[0] != " "
        words = text.split(" ") if is_plain else [word[1:] for word in _WORD.findall(f"▁{text.replace(' ', '▁')}")]
        try:
            return list(itertools.chain.from_iterable([self._tokens[word] for word in words]))
        except KeyError:
            return list(itertools.chain.from_iterable([self._tokens_in(word) for word in words]))

    def _tokens_in(self, word: str) -> list[int]:
        tokens = self._tokens.get(word)
        if tokens is None:
            tokens = [token.id for token in self._tokenizer.model.tokenize(f"▁{word}")]
            if len(word) < _SHORT:
                if len(self._tokens) >= _KEPT:
                    self._tokens.clear()
                self._tokens[word] = tokens
        return tokens


def _read(path: Path) -> NDArray[np.int16]:
    """Return the bits of the vectors in a file of the safetensors format; what isn't used of them isn't read."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        tensor = json.loads(file.read(length))["embedding.weight"]
    if tensor["dtype"] != "F16":
        raise ValueError(f"{path}: the vectors are of {tensor['dtype']}, and not of F16")
    begins = 8 + length + tensor["data_offsets"][0]
    return np.asarray(np.memmap(path, _HALF_BITS, "r", begins, tuple(tensor["shape"])))


def _floats(halves: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the numbers of these bits of binary16; as numpy does, which takes ten times as long."""
    bits = halves.astype("<i4") << 13  # exponent and fraction where binary32 has them, and the sign in the four above
    bits &= ~(0b0111 << 28)
    floats = bits.view(_FLOAT)
    floats *= 2.0 ** (127 - 15)  # the exponents' biases
    return floats
