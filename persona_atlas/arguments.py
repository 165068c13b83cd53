"""Convert the values of `K=V,K=V` arguments from text, for optimizers (`--optimizer_args`) and for models (`--model_args`)."""

import json
from typing import Any

TRUTHS = {"true": True, "false": False}


def truth(text: str) -> bool | str:
    """Return the boolean for `True`, `false` and so on in any case, as lm-eval does; return other text as it is."""
    return TRUTHS.get(text.strip().lower(), text)


def typed(text: str) -> Any:
    """Return `text` read as JSON if it is JSON, as a boolean if it spells one, else as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return truth(text)
