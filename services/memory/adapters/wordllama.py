"""Embeddings by WordLlama: static vectors, packed in its wheel, about 50 microseconds a text.

A text's vector is the mean of its tokens' vectors. No token of this tokenizer has a blank behind another letter, so a
text's tokens are those of its words; they are kept for each word, which is three times as fast as taking every text
apart anew, as WordLlama's own `embed` does.
"""

import asyncio
import itertools
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import wordllama
from numpy.typing import NDArray
from wordllama import WordLlama

_FLOAT = np.dtype("<f4")
_NAME = re.compile(r"wordllama-(64|128|256)")
_WORD = re.compile("▁+[^▁]*")
_SPECIAL = re.compile("</?s>|<unk>")
"""What the tokenizer takes for one token wherever it stands."""
_KEPT, _SHORT = 20_000, 32
"""How many words' tokens are kept, and how long these words may be."""
_AT_ONCE = 16
"""How many texts are embedded in one step, which takes a kilobyte for each of their tokens."""
_FEW, _MANY = 10_000, 2_000
"""More letters to embed, or more vectors to compare, take longer than handing them to a thread."""


class WordLlamaEmbedder:
    """Embeds few texts in the event loop: a text costs less than handing it to a thread."""

    def __init__(self, dimensions: int = 256) -> None:
        self.model = f"wordllama-{dimensions}"
        self._dimensions = dimensions
        # Its own folder as the cache: elsewhere it looks for its tokenizer in the wrong place and tries to download it.
        folder = Path(wordllama.__file__).parent
        # The first dimensions of its vectors are vectors too (Kusupati et al., "Matryoshka Representation Learning",
        # 2022).
        model = WordLlama.load(dim=256, trunc_dim=dimensions, cache_dir=folder, disable_download=True)
        self._vectors: NDArray[np.float32] = model.embedding
        self._tokenizer = model.tokenizer
        self._tokens: dict[str, list[int]] = {}

    async def embed(self, texts: Sequence[str]) -> list[bytes]:
        """Return a vector for each text: little-endian float32, of unit length."""
        if sum(map(len, texts)) > _FEW:
            return await asyncio.to_thread(self._embed, texts)
        return self._embed(texts)

    async def similarities(self, vector: bytes, others: Sequence[bytes]) -> list[float]:
        """Return the cosine of a vector with each of the others; what has no vector is 0."""
        if len(others) > _MANY:
            return await asyncio.to_thread(self._similarities, vector, others)
        return self._similarities(vector, others)

    def _similarities(self, vector: bytes, others: Sequence[bytes]) -> list[float]:
        nothing = bytes(len(vector))
        rows = np.frombuffer(b"".join(other or nothing for other in others), _FLOAT).reshape(-1, self._dimensions)
        found: list[float] = (rows @ np.frombuffer(vector, _FLOAT)).tolist()
        return found

    def _embed(self, texts: Sequence[str]) -> list[bytes]:
        starts = range(0, len(texts), _AT_ONCE)
        return [vector for start in starts for vector in self._embed_few(texts[start : start + _AT_ONCE])]

    def _embed_few(self, texts: Sequence[str]) -> list[bytes]:
        tokens = [self._tokens_of(text) for text in texts]
        filled = [at for at, of_text in enumerate(tokens) if of_text]
        embedded = [bytes(_FLOAT.itemsize * self._dimensions)] * len(texts)  # a text without a token has no direction
        if filled:
            starts = np.cumsum([0, *(len(tokens[at]) for at in filled[:-1])])
            sums = np.add.reduceat(self._vectors[list(itertools.chain.from_iterable(tokens))], starts)
            sums /= np.linalg.norm(sums, axis=1, keepdims=True)
            for at, vector in zip(filled, sums.astype(_FLOAT, copy=False), strict=True):
                embedded[at] = vector.tobytes()
        return embedded

    def _tokens_of(self, text: str) -> list[int]:
        if _SPECIAL.search(text):
            special: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
            return special
        found: list[int] = []
        for word in _WORD.findall(f"▁{text.replace(' ', '▁')}" if text else ""):
            tokens = self._tokens.get(word)
            if tokens is None:
                tokens = [token.id for token in self._tokenizer.model.tokenize(word)]
                if len(word) <= _SHORT:
                    if len(self._tokens) >= _KEPT:
                        self._tokens.clear()
                    self._tokens[word] = tokens
            found += tokens
        return found


class WordLlamaEmbedders:
    """The sizes that WordLlama's vectors come in, by their names."""

    async def open(self, model: str) -> WordLlamaEmbedder | None:
        """Open a model; None when there is none of this name."""
        named = _NAME.fullmatch(model)
        return await asyncio.to_thread(WordLlamaEmbedder, int(named[1])) if named else None
