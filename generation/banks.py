"""The banks of what users say and are, besides the catalogue's phrasings: people, frames around wishes, chatter, noise, slips of typing.

Each bank is read once, and checked when it is read.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

import regex

from persona_atlas.content import CatalogError, line_of, need, read_lines, read_yaml
from persona_atlas.records import SPLITS
from persona_atlas.tasks.templates import load_templates

FRAMES = ("standing", "scoped", "once", "ended", "mood", "other_person", "override")
NOISE: Mapping[str, Mapping[str, type]] = {
    "colloquial_speech": {"fillers": list, "swaps": dict},
    "synonym": {},
    "real_life_fragment": {"before": list},
    "incomplete_sentence": {"after": list},
    "emotional_attitude": {"after": list},
    "negative_expression": {"after": list},
    "unclear_priority": {"after": list},
    "context_dependency": {"after": list},
    "ambiguous_intent": {"after": list},
    "self_contradiction": {"after": list},
    "change_of_mind": {"after": list},
    "several_intents": {"joins": list},
}
"""The keys of noise.yaml, and what each holds; `synonym` maps words to words."""
PRESUMES = regex.compile(
    r"\b(?:normal(?:ly)?|usual(?:ly)?|always|exception|back to|carry on|as before|otherwise|again|after(?:wards| this| that)|next time)\b", regex.I
)
"""Words that presuppose a standing rule: they do not fit an exception where there is no rule."""
MANNERS = ("blunt", "neutral", "polite")


@lru_cache(maxsize=1)
def people() -> dict[str, Any]:
    """people.yaml: names, attributes, relatives, towns, the words for areas, and what styles are made of."""
    data = _read("people.yaml")
    need(data, {"names": list, "attributes": dict, "relatives": list, "towns": list, "areas": dict, "style": dict}, "people.yaml")
    need(data["style"], {"openers": list, "closers": list, "quirks": list, "abbreviations": list}, "people.yaml, style")
    if missing := sorted({template.domain for template in load_templates().values()} - set(data["areas"])):
        raise CatalogError(f"people.yaml, areas: there are no words for {missing[0]}; add a phrase that fits 'For anything about …'")
    return dict(data)


@lru_cache(maxsize=1)
def frames() -> Mapping[str, Mapping[str, Any]]:
    """frames.yaml: split -> kind -> frames that hold `{request}`; `change` holds mappings of event and text."""
    data = _read("frames.yaml")
    need(data, dict.fromkeys(SPLITS, dict), "frames.yaml")
    for split in SPLITS:
        need(data[split], {**dict.fromkeys(FRAMES, list), "change": list, "only": list}, f"frames.yaml, {split}")
        read_lines(data[split]["only"], 4, f"frames.yaml, {split}, only")
        for entry in data[split]["change"]:
            need(entry, {"event": str, "text": str}, f"frames.yaml, {split}, change")
        for kind in FRAMES:
            _hold_request(read_lines(data[split][kind], 4, f"frames.yaml, {split}, {kind}"), f"frames.yaml, {split}, {kind}")
        _hold_request([entry["text"] for entry in data[split]["change"]], f"frames.yaml, {split}, change")
    _each_once(data)
    return dict(data)


def _each_once(data: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise CatalogError if a frame occurs twice: across splits, it would be shared wording."""
    seen: dict[str, str] = {}
    for split, kinds in data.items():
        for kind, lines in kinds.items():
            for line in lines:
                text = line["text"] if isinstance(line, Mapping) else line
                if text in seen:
                    raise CatalogError(f"frames.yaml: the frame {text!r} stands in {seen[text]} and in {split}, {kind}; reword one")
                seen[text] = f"{split}, {kind}"


def _hold_request(lines: Sequence[str], where: str) -> None:
    for line in lines:
        if "{request}" not in line and "{Request}" not in line:
            file = files("generation").joinpath("data", "frames.yaml")
            raise CatalogError(f"{where}{line_of(file, line)}: {line!r} holds no {{request}}; say where the wish goes")


@lru_cache(maxsize=1)
def chatter() -> dict[str, Any]:
    """chatter.yaml: lead-ins to reactions and to further questions, trails, thanks, follow-up questions, asides, small talk."""
    data = _read("chatter.yaml")
    by_manner = dict.fromkeys(MANNERS, list)
    keys = {"leads": dict, "further": dict, "trails": dict, "thanks": dict, "follow_ups": list, "asides": list, "by_the_way": list, "off_topic": dict}
    need(data, keys, "chatter.yaml")
    trails = ((f"trails, {ending}", bank) for ending, bank in data["trails"].items())
    for where, bank in (*((key, data[key]) for key in ("leads", "further", "thanks")), *trails):
        need(bank, by_manner, f"chatter.yaml, {where}")
    need(data["off_topic"], dict.fromkeys(SPLITS, list), "chatter.yaml, off_topic")
    return dict(data)


@lru_cache(maxsize=1)
def noise_words() -> dict[str, Any]:
    """noise.yaml: the words that noise inserts, by strategy."""
    data = _read("noise.yaml")
    need(data, dict.fromkeys(NOISE, dict), "noise.yaml")
    for strategy, keys in NOISE.items():
        if keys:
            need(data[strategy], keys, f"noise.yaml, {strategy}")
    return dict(data)


@lru_cache(maxsize=1)
def words_by_slip() -> frozenset[str]:
    """slips.yaml: the words, in lower case, that a slip of typing can make out of other words."""
    data = _read("slips.yaml")
    need(data, {"words": str}, "slips.yaml")
    return frozenset(data["words"].split())


def _read(name: str) -> Any:
    return read_yaml(files("generation").joinpath("data", name))
