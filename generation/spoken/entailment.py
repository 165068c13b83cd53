"""An entailment model: does it follow from a message that its wish holds? Asked after the rules, where one is given, and it can only refuse.

    entails("please spare me those danger notes, always", "Spare me the danger notes, today and any other day.")    True

Any sequence classifier of transformers that has a label beginning with "entail", such as those trained on MNLI; a folder, or a name on the Hub.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from persona_atlas.models.protocol import ModelError

Entails = Callable[[str, str], bool]
"""(message, phrasing of the wish) -> whether the one says the other."""
LIKELY = 0.5
"""From which probability on it follows."""


@lru_cache(maxsize=1)
def load_entailment(pretrained: str) -> Entails:
    """Raises ModelError where transformers is not installed, or `pretrained` is no entailment model."""
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
