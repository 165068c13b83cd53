"""Random generators derived from a seed and a key, never from order, so that no record can change what another one draws."""

import hashlib

import numpy as np


def generator(seed: int, *key: object) -> np.random.Generator:
    """Return a numpy Generator that depends on `seed` and `key` alone, and is the same on every platform."""
    digest = hashlib.blake2b("\x1f".join(map(str, (seed, *key))).encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))


def digest(text: str) -> str:
    """SHA-256 of UTF-8 text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()
