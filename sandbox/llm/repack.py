"""Rewrites the packaged weights for speed: `python -m sandbox.llm.repack`, once, after they are installed.

They come as Q4_1, for which the engine has no fast multiplication of many tokens at once. As Q8_0 a prompt is read in
half the time, and the texts are as good: four bits fit into eight.
"""

import os
from pathlib import Path

from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter
from gguf.quants import dequantize, quantize

from sandbox.llm.model import REPACKED, packaged_model

_SLOW, _FAST = GGMLQuantizationType.Q4_1, GGMLQuantizationType.Q8_0
_ARCHITECTURE = "general.architecture"


def repack(source: Path, target: Path) -> None:
    """Write the model to `target` with its Q4_1 tensors as Q8_0; everything else stays as it is."""
    reader = GGUFReader(source)
    draft = target.with_suffix(f".{os.getpid()}")
    target.parent.mkdir(parents=True, exist_ok=True)
    writer = GGUFWriter(draft, reader.fields[_ARCHITECTURE].contents())
    for name, field in reader.fields.items():
        # The writer counts tensors and fields itself, and has the architecture already.
        if not name.startswith("GGUF.") and name != _ARCHITECTURE:
            items = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), field.types[0], items)
    for tensor in reader.tensors:
        if tensor.tensor_type == _SLOW:
            writer.add_tensor(tensor.name, quantize(dequantize(tensor.data, _SLOW), _FAST), raw_dtype=_FAST)
        else:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    draft.replace(target)


if __name__ == "__main__":
    repack(packaged_model(), REPACKED)
