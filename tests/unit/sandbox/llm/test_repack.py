"""Rewriting weights for speed."""

from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter
from gguf.quants import dequantize, quantize

from sandbox.llm.repack import repack

SLOW, FAST = GGMLQuantizationType.Q4_1, GGMLQuantizationType.Q8_0


def test_only_the_slow_tensors_change_and_they_keep_their_values(tmp_path: Path) -> None:
    values = np.random.default_rng(7).normal(size=(4, 64)).astype(np.float32)
    packed = quantize(values, SLOW)
    writer = GGUFWriter(tmp_path / "slow.gguf", "llama")
    writer.add_string("general.name", "tiny")
    writer.add_array("tokenizer.ggml.tokens", ["a", "b"])
    writer.add_tensor("slow", packed, raw_dtype=SLOW)
    writer.add_tensor("norm", values[0])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    repack(tmp_path / "slow.gguf", tmp_path / "out" / "fast.gguf")

    made = GGUFReader(tmp_path / "out" / "fast.gguf")
    tensors = {tensor.name: tensor for tensor in made.tensors}
    assert {name: tensor.tensor_type for name, tensor in tensors.items()} == {
        "slow": FAST,
        "norm": GGMLQuantizationType.F32,
    }
    kept = dequantize(tensors["slow"].data, FAST)
    assert np.abs(kept - dequantize(packed, SLOW)).max() < 0.02
    assert made.fields["general.name"].contents() == "tiny"
    assert made.fields["tokenizer.ggml.tokens"].contents() == ["a", "b"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["fast.gguf"]
