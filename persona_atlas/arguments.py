"""How values of `K=V,K=V` are read where they are more than text: for optimizers (`--optimizer_args`) and for models (`--model_args`)."""

import json
from typing import Any

TRUTHS = {"true": True, "false": False}


def truth(text: str) -> bool | str:
    """`True`, `False`, `true` and so on as the boolean, which lm-eval reads out of them too; other text as it is."""
    return TRUTHS.get(text.strip().lower(), text)


def typed(text: str) -> Any:
    """A value as JSON where it is JSON, a boolean where it says one, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return truth(text)
