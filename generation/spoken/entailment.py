"""An entailment model: does a message imply the wish that it should convey? If one is given, it is asked after the rules, and can only refuse.

    entails("please spare me those danger notes, always", "Spare me the danger notes, today and any other day.")    True

It can be any sequence classifier of transformers with a label that begins with "entail", such as those trained on MNLI.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from persona_atlas.models.protocol import ModelError

Entails = Callable[[str, str], bool]
"""(message, phrasing of the wish) -> whether the message implies the phrasing."""
LIKELY = 0.5
"""The probability of entailment from which on a message implies its wish."""


@lru_cache(maxsize=1)
def load_entailment(pretrained: str) -> Entails:
    """Load a model from a folder or from the Hub. Raises ModelError if transformers or torch is missing, or it is no entailment model."""
    try:
        import torch
        import transformers
    except ImportError as error:
        raise ModelError(f'An entailment model needs {error.name}, which is not installed: pip install "persona-atlas[hf]".') from error
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(pretrained)
        model: Any = transformers.AutoModelForSequenceClassification.from_pretrained(pretrained).eval()
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{pretrained} cannot be loaded ({reason}): give --entailment a folder or a Hub name.") from error
    labels = {str(label).lower(): number for number, label in model.config.id2label.items()}
    place = next((number for label, number in labels.items() if label.startswith("entail")), None)
    if place is None:
        raise ModelError(f"The model {pretrained} has the labels {', '.join(labels)}, none of which is entailment: give one trained on MNLI.")

    def entails(message: str, phrasing: str) -> bool:
        with torch.inference_mode():
            found = model(**tokenizer(message, phrasing, truncation=True, return_tensors="pt")).logits[0].softmax(-1)
        return bool(found[place] >= LIKELY)

    return entails
