"""Merge a LoRA adapter into the weights of a GGUF file, once and with numpy alone, because OpenVINO cannot apply an adapter to a GGUF model.

    merged(Path("SmolLM2-135M-Instruct.Q4_1.gguf"), Path("adapter.safetensors"))    # ~/.cache/persona-atlas/merged-1f0c….gguf

W' = W + alpha / rank · B · A, where W is dequantized and W' is written as Q8_0. GGUF interleaves the rows of a Llama's query and key matrices
(the two halves of each head, which hold the rotary pairs), so the rows of B · A are interleaved the same way.
"""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

from persona_atlas.folders import cache_folder
from persona_atlas.models.digest import path_digest, text_digest
from persona_atlas.models.protocol import ModelError

MERGE_VERSION = 2
PARTS = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
"""The matrices of a layer: the name in Transformers -> the name in GGUF."""


def merged(base: Path, adapter: Path) -> Path:
    """Return the GGUF file of `base` with `adapter` merged in: made once, then kept in the cache folder under a hash of both. Raises ModelError."""
    if not adapter.is_file():
        raise ModelError(f"There is no adapter {adapter}: pass the adapter.safetensors that atlas-train target wrote.")
    key = text_digest(f"{MERGE_VERSION} {path_digest(base)} {path_digest(adapter)}")
    path = cache_folder().expanduser() / f"merged-{key}.gguf"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix="merging-", suffix=".gguf", delete=False) as file:
            part = Path(file.name)
        try:
            merge(base, adapter, part)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    return path


def weights_digest(adapter: Path) -> str:
    """SHA-256 of the adapter's tensors, sorted by name, so that it does not depend on the order of entries in the file's header."""
    from safetensors.numpy import load_file

    hashed = hashlib.sha256()
    for name, weights in sorted(load_file(adapter).items()):
        hashed.update(f"{name} {weights.dtype} {weights.shape}\n".encode())
        hashed.update(weights.tobytes())
    return hashed.hexdigest()


def merge(base: Path, adapter: Path, out: Path) -> None:
    """Write `base` with `adapter` merged in to `out`. Raises ModelError if the adapter was trained on other weights or cannot be merged."""
    from gguf import GGUFReader
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(adapter, "np") as file:
            header = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (a handle, no mapping)
    except SafetensorError as error:
        raise ModelError(f"{adapter} is no safetensors file ({error}): pass the adapter.safetensors that atlas-train target wrote.") from None
    if header.get("base_sha256") != path_digest(base):
        raise ModelError(f"{adapter} was trained on other weights than {base}: pass the base that its card names.")
    scale = float(header["alpha"]) / float(header["rank"])
    _write(GGUFReader(base), _deltas(weights, scale, adapter), out)


def _deltas(weights: dict[str, Any], scale: float, adapter: Path) -> dict[str, Any]:
    """Map each GGUF tensor name to what is added to the tensor, with the rows in Transformers' order."""
    found = {}
    for name, a in weights.items():
        if not name.endswith("lora_A.weight"):
            continue
        layer, part = name.removesuffix(".lora_A.weight").split(".layers.")[1].split(".", 1)
        if part not in PARTS:
            raise ModelError(f"{adapter} changes {part}, which cannot be merged: train it on {', '.join(PARTS)} only.")
        b = weights[name.replace("lora_A", "lora_B")]
        found[f"blk.{layer}.{PARTS[part]}.weight"] = scale * product(b.astype("float32"), a.astype("float32"))
    return found


def product(b: Any, a: Any) -> Any:
    """B · A in single precision, one rank after the other, so that every machine gives the same bits.

    A BLAS adds in another order on another processor, or keeps more digits between (FMA). The merged file would then differ in a few roundings, and
    the same model would have another fingerprint there.
    """
    import numpy as np

    total = np.zeros((b.shape[0], a.shape[1]), b.dtype)
    for rank in range(a.shape[0]):
        total += b[:, rank, None] * a[rank]
    return total


def _write(reader: Any, deltas: dict[str, Any], out: Path) -> None:
    import numpy as np
    from gguf import GGMLQuantizationType, GGUFValueType, GGUFWriter
    from gguf.quants import dequantize, quantize

    architecture = reader.fields["general.architecture"].contents()
    writer = GGUFWriter(out, architecture)
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key in ("general.architecture", "general.file_type"):
            continue
        if field.types[0] == GGUFValueType.ARRAY:
            writer.add_array(key, field.contents())
        else:
            writer.add_key_value(key, field.contents(), field.types[0])
    writer.add_uint32("general.file_type", 7)  # mostly Q8_0
    heads = {
        part: reader.fields[f"{architecture}.attention.{key}"].contents() for part, key in (("attn_q", "head_count"), ("attn_k", "head_count_kv"))
    }
    for tensor in reader.tensors:
        shape = tuple(int(n) for n in reversed(tensor.shape))
        if tensor.tensor_type == GGMLQuantizationType.F32:
            writer.add_tensor(tensor.name, np.array(tensor.data).reshape(shape))
            continue
        values = dequantize(np.array(tensor.data), tensor.tensor_type).reshape(shape).astype(np.float32)
        if tensor.name in deltas:
            part = tensor.name.split(".")[2]
            values += interleaved(deltas[tensor.name], heads[part]) if part in heads else deltas[tensor.name]
        writer.add_tensor(tensor.name, quantize(values, GGMLQuantizationType.Q8_0), raw_dtype=GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def interleaved(matrix: Any, heads: int) -> Any:
    """Put the rows of a query or key matrix in GGUF's order: within each head, rows of the first and the second half alternate."""
    rows, columns = matrix.shape
    return matrix.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)
