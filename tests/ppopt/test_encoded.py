"""What the policy learns from, as tokens: in the base's chat format, and of it the answers alone."""

from typing import Any

import pytest

from persona_atlas.models.smol import smol_weights
from persona_atlas.ppopt.base import load_base
from persona_atlas.ppopt.sft import encoded

LONG = "Say it again. " * 60
PAIRS = [("How much rice for 6?", "About 450 g."), ("Hi", "\n\nHello."), (LONG, "No.")]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return load_base(smol_weights(), weights=False)[0]


def test_an_example_is_what_the_chat_format_makes_of_it(tokenizer: Any) -> None:
    made = encoded(tokenizer, PAIRS, 1000)["input_ids"]
    for ids, (reads, writes) in zip(made, PAIRS, strict=True):
        chat = [{"role": "user", "content": reads}, {"role": "assistant", "content": writes}]
        assert ids == tokenizer.apply_chat_template(chat, tokenize=True, return_dict=False)


def test_the_answer_alone_is_learned(tokenizer: Any) -> None:
    made = encoded(tokenizer, PAIRS, 1000)
    for ids, labels, (_, writes) in zip(made["input_ids"], made["labels"], PAIRS, strict=True):
        learned = [label for label in labels if label != -100]
        assert learned == ids[len(ids) - len(learned) :]
        assert tokenizer.decode(learned).replace("<|im_end|>", "").strip() == writes.strip()


def test_what_is_too_long_is_left_out(tokenizer: Any) -> None:
    assert encoded(tokenizer, PAIRS, 100) == encoded(tokenizer, PAIRS[:2], 100)
