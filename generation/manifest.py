"""Checks, before the first shard, that the manifest (written last) can describe the configuration."""

from collections.abc import Mapping
from typing import Any

from persona_atlas import schema
from persona_atlas.records import SCHEMA_VERSION
from persona_atlas.scoring import SCORER_VERSION

NONE = "0" * 64
"""Stands for a digest."""


def check_described(config: Mapping[str, Any]) -> None:
    """Validate a draft of the manifest, with this configuration and made-up digests. Raises SchemaError."""
    file = {"path": "data/users/test.parquet", "config": "users", "split": "test", "rows": 0, "content_digest": NONE, "sha256": NONE}
    draft = {
        "schema_version": SCHEMA_VERSION,
        "generator_version": "draft",
        "scorer_version": SCORER_VERSION,
        "config": config,
        "config_digest": NONE,
        "content_digest": NONE,
        "catalog_digest": NONE,
        "files": [file],
        "failures": {},
    }
    schema.validate("manifest", draft)
