"""Merging an adapter into a GGUF file: the right numbers in the right rows, once."""

from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader
from gguf.quants import dequantize
from safetensors.numpy import save_file

from persona_atlas.models.adapter import interleaved, merge, merged, product
from persona_atlas.models.digest import path_digest
from persona_atlas.models.protocol import ModelError
from persona_atlas.models.smol import smol_weights

PREFIX = "base_model.model.model.layers.3."
PARTS = {"self_attn.q_proj": (576, 576), "self_attn.k_proj": (576, 192), "mlp.down_proj": (1536, 576)}


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rank-1 adapter for three matrices of layer 3 (inputs, outputs as in PARTS)."""
    draw, weights = np.random.default_rng(0), {}
    for part, (inputs, outputs) in PARTS.items():
        weights[f"{PREFIX}{part}.lora_A.weight"] = draw.normal(size=(1, inputs)).astype("float16")
        weights[f"{PREFIX}{part}.lora_B.weight"] = draw.normal(size=(outputs, 1)).astype("float16")
    path = tmp_path_factory.mktemp("adapter") / "adapter.safetensors"
    save_file(weights, path, {"base_sha256": path_digest(smol_weights()), "rank": "1", "alpha": "2"})
    return path


@pytest.fixture(scope="module")
def kept(adapter: Path) -> Path:
    """The merged file, in a cache folder of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(adapter.parent))
        return merged(smol_weights(), adapter)


@pytest.fixture(scope="module")
def both(kept: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The matrices of layer 3 before and after."""
    return layer(smol_weights()), layer(kept)


def layer(path: Path) -> dict[str, np.ndarray]:
    tensors = [tensor for tensor in GGUFReader(path).tensors if tensor.name.startswith("blk.3.") and len(tensor.shape) == 2]
    return {tensor.name: dequantize(np.array(tensor.data), tensor.tensor_type) for tensor in tensors}


def test_a_product_adds_rank_after_rank_as_every_machine_can() -> None:
    draw = np.random.default_rng(1)
    b, a = draw.normal(size=(5, 16)).astype("float32"), draw.normal(size=(16, 7)).astype("float32")
    by_hand = np.zeros((5, 7), "float32")
    for row, column in np.ndindex(5, 7):
        for rank in range(16):
            by_hand[row, column] = np.float32(by_hand[row, column] + np.float32(b[row, rank] * a[rank, column]))
    assert np.array_equal(product(b, a), by_hand)


def test_rows_of_each_head_alternate_between_its_halves() -> None:
    rows = np.arange(8.0).reshape(8, 1)
    assert interleaved(rows, 2).ravel().tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_the_delta_is_added_and_nothing_else_changes(both: tuple[dict[str, np.ndarray], dict[str, np.ndarray]], adapter: Path) -> None:
    from safetensors.numpy import load_file

    before, after = both
    weights = load_file(adapter)
    a, b = (weights[f"{PREFIX}mlp.down_proj.lora_{side}.weight"].astype("float32") for side in "AB")
    assert np.allclose(after["blk.3.ffn_down.weight"] - before["blk.3.ffn_down.weight"], 2 * b @ a, atol=0.1)
    assert np.allclose(after["blk.3.ffn_up.weight"], before["blk.3.ffn_up.weight"], atol=0.05)  # Q4_1 to Q8_0


def test_query_rows_are_interleaved(both: tuple[dict[str, np.ndarray], dict[str, np.ndarray]], adapter: Path) -> None:
    from safetensors.numpy import load_file

    before, after = both
    weights = load_file(adapter)
    a, b = (weights[f"{PREFIX}self_attn.q_proj.lora_{side}.weight"].astype("float32") for side in "AB")
    assert np.allclose(after["blk.3.attn_q.weight"] - before["blk.3.attn_q.weight"], interleaved(2 * b @ a, 9), atol=0.15)


def test_a_merged_file_is_made_once(adapter: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(adapter.parent))
    made = kept.stat().st_mtime_ns
    assert merged(smol_weights(), adapter) == kept
    assert kept.stat().st_mtime_ns == made
    assert [file.name for file in kept.parent.glob("merging-*")] == []


def test_an_adapter_of_other_weights_is_refused(adapter: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    other = tmp_path / "other.safetensors"
    save_file(load_file(adapter), other, {"base_sha256": "0" * 64, "rank": "1", "alpha": "2"})
    with pytest.raises(ModelError, match="was trained on other weights"):
        merge(smol_weights(), other, tmp_path / "out.gguf")


def test_an_adapter_of_other_matrices_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    weights = {f"{PREFIX}mlp.gate.lora_{side}.weight": np.ones((1, 1), "float16") for side in "AB"}
    save_file(weights, other, {"base_sha256": path_digest(smol_weights()), "rank": "1", "alpha": "2"})
    with pytest.raises(ModelError, match=r"changes mlp\.gate, which cannot be merged"):
        merge(smol_weights(), other, tmp_path / "out.gguf")


def test_a_file_of_another_kind_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "adapter.safetensors").write_text("not weights")
    with pytest.raises(ModelError, match=r"adapter\.safetensors is no safetensors file"):
        merge(smol_weights(), tmp_path / "adapter.safetensors", tmp_path / "out.gguf")
