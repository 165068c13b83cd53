"""A BPO model (arXiv:2311.04155): a language model trained to rewrite prompts. It sees no history, so it treats all users alike.

    atlas-eval --optimizer bpo --optimizer_args pretrained=DIR,template=FILE --optimizer_timeout 300

pretrained   a folder, as an absolute path (optimizers run in a working directory of their own), or a name that transformers can open
template     a text file, as an absolute path, that wraps a query for the model and contains {query}; the model's card gives the template

Needs the extra `train` (torch, transformers).
"""

from pathlib import Path
from typing import Any

from persona_atlas.protocol import Request

NEW_TOKENS = 512


class Bpo:
    def __init__(self, pretrained: str, template: str, max_new_tokens: int = NEW_TOKENS) -> None:
        self.template = Path(template).read_text(encoding="utf-8").strip()
        if "{query}" not in self.template:
            raise ValueError(f"the template {template} holds no {{query}}; put it where the query belongs")
        self.max_new_tokens = max_new_tokens
        self.tokenizer, self.model = _loaded(pretrained)

    def optimize(self, request: Request) -> str:
        """The rewritten query, decoded greedily. An empty one is returned as it is and counts as a failure."""
        asked = self.tokenizer(self.template.replace("{query}", request.query), return_tensors="pt")
        written = self.model.generate(**asked, max_new_tokens=self.max_new_tokens, do_sample=False)
        return str(self.tokenizer.decode(written[0, asked["input_ids"].shape[1] :], skip_special_tokens=True)).strip()


def _loaded(pretrained: str) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoTokenizer.from_pretrained(pretrained), AutoModelForCausalLM.from_pretrained(pretrained).eval()
