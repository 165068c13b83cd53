"""The dataset card (README.md of a release), made from its manifest. `datasets` reads the configs from its YAML header."""

from collections import Counter
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import yaml

from generation.releases import name_of
from persona_atlas.randomness import digest
from persona_atlas.records import IMPORTED

CONFIGS = ("conversations", "users", "items", "history_noise", "benchmark", "provenance")
END = "\n<!-- the end of what is made from the manifest ({digest}): what is above is made anew unless somebody changed it -->\n"
"""`digest` is that of the text above, by which a card that somebody changed is told from one that another version of the package made."""


def card(manifest: Mapping[str, Any]) -> str:
    """The card of the release that `manifest` describes, with END."""
    text = head(manifest)
    return text + END.format(digest=digest(text)[:16])


def head(manifest: Mapping[str, Any]) -> str:
    """The text of the card. What was measured stands below it."""
    imported = manifest.get("source") == IMPORTED
    header = {
        "license": "other" if imported else "cc-by-4.0",
        "language": ["en"],
        "pretty_name": "PersonaAtlas",
        "task_categories": ["text-generation"],
        "tags": ["personalization", "prompt-optimization", "synthetic", "benchmark"],
        "configs": [_config(name, manifest) for name in CONFIGS if _config(name, manifest)["data_files"]],
    }
    rows = "\n".join(
        f"| {entry['config']} | {entry['split']} | {entry['rows']:,} | `{entry['content_digest'][:16]}` |" for entry in manifest["files"]
    )
    body = files("generation").joinpath("data", *(["imported"] if imported else []), "card.md").read_text(encoding="utf-8")
    text = body.format(
        rows=rows,
        name=f" ({named})" if (named := name_of(manifest["content_digest"])) else "",
        version=f"dataset version {manifest['dataset_version']}, " if "dataset_version" in manifest else "",
        users=f"{manifest['config']['users']:,}",
        seed=manifest["config"].get("seed"),
        schema_version=manifest["schema_version"],
        content_digest=manifest["content_digest"],
        made=_made(manifest["config"], _private(manifest)),
        failures=_failures(manifest["failures"]),
    )
    return f"---\n{yaml.safe_dump(header, sort_keys=False)}---\n\n{text}"


def _failures(counts: Mapping[str, int]) -> str:
    """How often something failed, by reason. The details after a colon are only in the manifest."""
    sums = Counter[str]()
    for reason, count in counts.items():
        sums[reason.partition(":")[0]] += count
    return "; ".join(f"{reason}: {count:,}" for reason, count in sums.most_common()) or "none"


def _config(name: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
    found = [{"split": entry["split"], "path": entry["path"]} for entry in manifest["files"] if entry["config"] == name]
    return {"config_name": name, **({"default": True} if name == CONFIGS[0] else {}), "data_files": found}


def _private(manifest: Mapping[str, Any]) -> str:
    """Which splits speak from a private bank, and its digest; empty if there is none."""
    if "bank_digest" not in manifest:
        return ""
    splits = dict.fromkeys(entry["split"] for entry in manifest["files"] if entry["split"].startswith("test"))
    which = f"split{'s' if len(splits) > 1 else ''} {' and '.join(splits)} are private: they stand in a bank that is not in the package"
    return f"The phrasings of the {which}, with the digest `{manifest['bank_digest'][:16]}`."


def _made(config: Mapping[str, Any], private: str) -> str:
    """How the conversations got their words. `private`: what is to be said of a private bank, empty if there is none."""
    if private:
        return (
            f"Every turn was written by the scripted engine. {private}\n"
            "This release is not for publication. No language model spoke, and no real person's data went in."
        )
    if "cast" not in config:
        return (
            "Every turn was written by the scripted engine: user turns from banks of phrasings, assistant turns rendered from content plans; "
            "no language model spoke, and no real\nperson's data went in."
        )
    cast = config["cast"]
    assistants = ", ".join(f"{voice['model']} (weight {voice['weight']:g})" for voice in cast["assistants"])
    return (
        "The scripted engine wrote every conversation; then language models said it in other words, each utterance held against what it was to say. "
        f"Users: {cast['user']};\ndistractors: {cast['distractor']}; assistants: {assistants}. Where no try was fit, the scripted words stand: "
        "`provenance` says of every turn which model spoke, and why tries\nfailed. The queries of items are the scripted engine's. No real person's "
        "data went in."
    )
