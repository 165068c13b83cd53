"""Prompt optimizers that are known by name. Other people's learn one instruction on the train split, within the run's budget of calls.

    atlas-eval --optimizer gepa --optimizer_calls 300 --model smol-steerable

gepa            GEPA (arXiv:2507.19457): reflective evolution, told in words what each answer met and missed
dspy            DSPy's COPRO: proposes instructions and keeps the best
promptolution   promptolution's OPRO (arXiv:2309.03409): proposes from scored instructions
textgrad        TextGrad (arXiv:2406.07496): textual gradients from the scorer's feedback
bpo             a BPO model (arXiv:2311.04155): rewrites each query by itself, without the history
ppopt           ours: reads the history, infers a profile, rewrites the query (persona_atlas/ppopt)

Each is an optimizer like any other: a class with `fit(train, context)` and `optimize(request)`, imported in the optimizer's own process alone. What
it needs comes with the extra of its name: pip install 'persona-atlas[gepa]'.
"""

from collections.abc import Mapping

ADAPTERS: Mapping[str, str] = {
    "gepa": "eval_harness.adapters.gepa:Gepa",
    "dspy": "eval_harness.adapters.dspy:Copro",
    "promptolution": "eval_harness.adapters.promptolution:Opro",
    "textgrad": "eval_harness.adapters.textgrad:TextGrad",
    "bpo": "eval_harness.adapters.bpo:Bpo",
    "ppopt": "persona_atlas.ppopt.optimizer:PPOpt",
}
"""Name for `--optimizer` -> MODULE:CLASS."""
EXTRAS: Mapping[str, str] = {**{name: name for name in ("gepa", "dspy", "promptolution", "textgrad")}, "bpo": "train", "ppopt": "train"}
"""Name -> the extra that brings what it needs."""
