"""An entailment model beside the rules: a real classifier, of random weights."""

from pathlib import Path

import pytest

from generation.spoken.conveys import Wish
from generation.spoken.entailment import load_entailment
from generation.spoken.user import _says
from persona_atlas.models.protocol import ModelError
from persona_atlas.models.smol import smol_weights
from persona_atlas.ppopt.tokenizer import load_tokenizer
from persona_atlas.records import Reveal

PHRASE = "Spare me the danger notes, today and any other day."


def classifier(folder: Path, *labels: str) -> str:
    """A folder with two random layers that tell `labels` apart, the first of which they find likeliest whatever they read."""
    import torch
    from transformers import LlamaConfig, LlamaForSequenceClassification

    tokenizer = load_tokenizer(smol_weights())
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, num_labels=len(labels)
    )
    config.id2label, config.label2id = dict(enumerate(labels)), {label: number for number, label in enumerate(labels)}
    model = LlamaForSequenceClassification(config)
    model.score.weight.data.zero_()
    model.config.pad_token_id = tokenizer.pad_token_id or 0
    model.save_pretrained(folder)
    return str(folder)


def test_two_equal_labels_leave_it_open_and_three_refuse(tmp_path: Path) -> None:
    assert load_entailment(classifier(tmp_path / "two", "entailment", "other"))("say no", PHRASE)
    assert not load_entailment(classifier(tmp_path / "three", "contradiction", "neutral", "ENTAILMENT"))("say no", PHRASE)


def test_what_is_no_entailment_model_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has the labels good, bad, none of which is entailment"):
        load_entailment(classifier(tmp_path / "mood", "good", "bad"))
    with pytest.raises(ModelError, match=r"cannot be loaded .*: give --entailment a folder"):
        load_entailment(str(tmp_path / "nothing"))


def test_an_entailment_model_refuses_but_never_accepts() -> None:
    wish = Wish(Reveal("caveat", "none", "explicit"), PHRASE)
    conveying, other = "please spare me those danger notes, today and on any other day", "keep it nice and easy"
    for entails in (lambda message, phrasing: True, None):
        fault = _says(PHRASE, (wish,), True, entails)
        assert fault(conveying) is None
        assert fault(other) is not None
    refused = _says(PHRASE, (wish,), True, lambda message, phrasing: False)(conveying)
    assert refused is not None
    assert (refused.reason, refused.detail) == ("not conveyed", PHRASE)
