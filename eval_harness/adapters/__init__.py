"""Prompt optimizers that `--optimizer` knows by name.

    atlas-eval --optimizer gepa --optimizer_calls 300 --model smol-steerable

gepa            GEPA (arXiv:2507.19457): reflective evolution, fed with a description of what each answer met and missed
dspy            DSPy's COPRO: proposes instructions and keeps the best
promptolution   promptolution's OPRO (arXiv:2309.03409): proposes new instructions from scored ones
textgrad        TextGrad (arXiv:2406.07496): textual gradients from the scorer's feedback
bpo             a BPO model (arXiv:2311.04155): rewrites each query on its own, without the history
ppopt           PPOpt, the reference optimizer: reads the history, infers a profile, rewrites the query (persona_atlas/ppopt)

The first four learn one instruction on the train split, within the run's budget of calls. Each adapter is a class like any other optimizer, with
`optimize(request)` and, if it learns, `fit(train, context)`. It is imported only in the optimizer's own process. Its dependencies come with an
extra: pip install 'persona-atlas[gepa]'.
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
LEARNERS = ("gepa", "dspy", "promptolution", "textgrad")
EXTRAS: Mapping[str, str] = {**{name: name for name in LEARNERS}, "bpo": "train", "ppopt": "train"}
"""Name -> the extra that installs its dependencies."""
NEEDED: Mapping[str, str] = {**dict.fromkeys(LEARNERS, " --optimizer_calls 300"), "bpo": " --optimizer_args pretrained=DIR,template=FILE"}
"""Name -> the flags without which it cannot run, for example."""
