"""Checkers for what an answer contains besides the answer itself: an example, a caution, another way to the same end."""

import regex

from persona_atlas.answer import Answer
from persona_atlas.preferences.registry import checker

_START = r"(?:^|\n|[.!?:;] +|\p{So}\ufe0f? *)"

_EXAMPLE_GIVEN = (
    rf"\be\.g\.|\beg\b(?=[., ])|\bex\.?:|\bfor (?:example|instance)\b|\bby way of (?:example|illustration)\b|"
    rf"\bas an (?:example|illustration)(?=[,:])|{_START}as an (?:example|illustration)\b|"
    r"\bto illustrate(?=[,:]| (?:this|that|the (?:point|idea|difference)|how|with)\b)|"
    r"\b(?:give you|to give|here(?:'s| is| comes)) (?:an?|one) (?:\w+ )?(?:example|idea,)|\bhere are (?:\w+ ){0,3}examples\b|"
    r"(?<!\b(?:set|is|was|indeed) )\b(?:an?|one) (?:\w+ )?example (?:is|would be|of|from)\b|\bexamples (?:are|include)\b|"
    r"\bone such (?:case|example|instance) is\b|"
    r"\bcase in point\b"
)
_POINTED_AT = r"\b(?:follow|see|solve|copy|read|study|check|do|lead by|set an?)(?: (?:the|these|those|all|good))*"
_EXAMPLE_LABEL = (
    rf"(?<![\w./]|{_POINTED_AT} )examples?(?: \w+){{0,3}} ?:(?!//)|"
    r"(?:^|\n)(?:(?:an?|the|one|worked|quick|short|simple) ){0,3}examples?(?: \d+)?(?=\n|$)|"
    rf"{_START}(?:(?:an?|the|one|quick|short|simple) ){{0,2}}(?:illustration|case study|scenario|sample(?: (?:case|calculation))?|picture this) ?:"
)
_LET_US = (
    r"\blet(?:'s| us) (?:say(?! (?:goodbye|hello|thanks|grace|sorry|so|yes|no)\b)|suppose|imagine|assume|"
    r"take(?= (?:[\d\p{Sc}\"“]|(?:the|this|a) (?:case|example|number|sentence|word)\b)))\b"
)
_YOU_DO = (
    r"you(?:'(?:re|ve|d|ll)| are| have)? (?:earn|have|want|own|need|buy|start|live|make|save|spend|weigh|plan|work|get|got|pay|paid|owe|hear|"
    r"see|drive|run|walk|cook|bake|borrow|sell|travel|cooking|planning|saving|buying|driving|moving|working)\b"
)
_IT_IS = r"(?:the|your|my|an?) (?:\w+ ){1,3}(?:is|are|costs?|has|starts?|weighs?|takes?|earns?|needs?|wants?)\b"
_SUPPOSED_CASE = (
    rf"[,(–—] ?say,|\(say\b|[,–—] say (?=[\d\p{{Sc}}])|{_START}(?:(?:so|now|but|and|then|or|just),? )?"
    rf"(?:suppose|imagine|say (?:{_YOU_DO}|{_IT_IS})|assum(?:e|ing) (?:that )?{_YOU_DO})"
)
EXAMPLE = regex.compile("|".join((_EXAMPLE_GIVEN, _EXAMPLE_LABEL, _LET_US, rf"(?:{_SUPPOSED_CASE})")))

_TROUBLE = r"(?:catch|risk|danger|hazard|drawback|downside|pitfall|snag|trap|red flag|common (?:mistake|error))"
_WORST = r"(?:one|the|an?|main|only|biggest|real|common|possible|last|small|big)"
_HARM = (
    r"(?:(?:toxic|poisonous|deadly|fatal|lethal|dangerous|harmful|hazardous)(?=[.,;:!?)\n]|$| (?:to|for|if|when|and|in)\b)|poisons?|"
    r"burns? (?:you|your|the skin|easily)|scald\w*|explod\w*|catch(?:es)? fire|fire hazard|injur\w*|electrocut\w*|electric shock|hurts?|"
    r"chok(?:e|es|ing)|suffocat\w*|kills?)"
)
_SNARE = (
    r"(?:hidden|fees?|fraud|scams?|traps?|thie(?:f|ves)|pickpockets?|ice|icy|slippery|loose|sharp|ticks?|snakes?|roots|rocks|cracks|leaks|mou?ld)"
)
_EXPERT = r"(?:doctor|physician|lawyer|attorney|solicitor|accountant|pharmacist|vet|veterinarian|electrician|professional|advis[eo]r|specialist)"
_BE_WARNED = (
    r"\b(?:watch out|be (?:very |extra |a bit )?(?:careful|cautious)|take care (?:not|when|with|that)|(?:with|use|exercise|word of) caution|"
    r"cautionary (?:note|word|remark)|caveats?|beware|word of warning|be (?:aware|mindful|wary)(?! of (?:your|the) (?:breath\w*|body|posture))|"
    r"be warned|(?:keep|bear) in mind|one thing to watch|(?:steer|stay|keep) (?:well )?clear of|watch your (?:step|head|fingers|back)|"
    r"(?:make|be) sure (?:not to|you (?:do not|don't))|whatever you do, (?:do not|don't|never)|at your own risk|"
    r"(?:handle|treat|use|proceed)(?: \w+){0,3} with (?:great |extra |some )?care)\b|"
    r"\bnot (?:legal|medical|financial|professional|tax) advice\b|\u26a0|"
    rf"\b(?:consult|(?:talk|speak) (?:to|with)|check with) (?:with )?(?:an?|your) (?:\w+ ){{0,2}}?{_EXPERT}\b(?= (?:before|first|if)\b)|"
    rf"{_START}(?:please |always )?consult (?:with )?(?:an?|your) (?:\w+ ){{0,2}}?{_EXPERT}\b|\bi(?:'m| am) not (?:an?|your) (?:\w+ )?{_EXPERT}\b"
)
_WHY_NOT = (
    rf"\b(?:look out|watch) for [^.\n]{{0,40}}\b{_SNARE}\b|\b(?:never|do not|don't|avoid)\b [^.\n]{{1,80}}"
    rf"(?:[;:–—]|\b(?:since|because|as|or|which|otherwise)\b)[^.\n]{{1,60}}\b{_HARM}\b"
)
_TROUBLE_NAMED = (
    rf"\b{_WORST} (?:\w+ )?{_TROUBLE} (?:is|here)\b(?! (?:low|small|gone|over)\b)|\bthere(?:'s| is| are) (?:\w+ )?{_WORST} (?:\w+ )?{_TROUBLE}\b|"
    rf"(?:{_START}|\b(?:one|the|only) )(?:{_WORST} ){{0,2}}{_TROUBLE}s? ?[:–—](?! ?(?:none|no|low|medium|nil|zero|\d+)\b)"
)
_MARK = r"(?:note|caution|important|careful|disclaimer|attention|look out|safety (?:first|note|tip|warning))"
_CAVEAT_LABEL = (
    rf"{_START}(?:please )?{_MARK}(?: note)? ?[:!–—]|"
    rf"{_START}(?:{_WORST} |fair )?(?:warning|caution)s?(?:,? though)? ?[:!–—]|{_START}(?:caution|warning)s?(?=\n|$)|"
    rf"{_START}(?:(?:important|safety) notes?(?=\n|$)|(?:(?:an? |one |just a )?(?:quick|brief|short|final|last|small) note|"
    rf"(?:an? )?(?:important|safety) notes) ?[:–—])|"
    rf"{_START}(?:just )?(?:{_WORST} |quick |little )*heads[- ]up\b|{_START}careful (?:with|not to|when|here)\b|"
    rf"{_START}mind (?:out|the gap|your (?:step|head|fingers))\b|(?:{_START}|\b(?:please|but|also|and|should|do|just) )note that\b"
)
CAVEAT = regex.compile("|".join((_BE_WARNED, _WHY_NOT, _TROUBLE_NAMED, _CAVEAT_LABEL)))

_OTHER = (
    r"(?:another|a different|a second|one other|a further|a third|the other|"
    r"an? (?:simpler|cheaper|quicker|faster|easier|gentler|slower|safer|better))"
)
_WAY = r"(?:option|way|approach|possibility|method|choice|route|solution|technique|idea|alternative)"
_DO = r"(?:use|try|take|go|buy|rent|hire|borrow|ask|call|choose|pick|order|make|do|get|walk|swap|replace|substitute|opt)"
_CAN = r"(?:you|one) (?:can|could|may|might)"
_INSTEAD = (
    rf"{_START}(?:instead of|rather than) [^.,\n]{{1,60}}?,? ?{_CAN}\b",
    rf"\b(?:{_CAN}|can)(?: [^.\n]{{1,80}})? instead(?! of)\b|\bcan be (?:done|made|used|cooked) [^.,\n]{{1,40}} (?:as well|too)(?=[.,;])",
    rf"{_START}instead, {_CAN}\b",
)
_SECOND_WAY = (
    r"\b(?:alternatively|as an alternative|as a (?:fallback|backup|substitute))\b",
    r"\b(?:an?|another|one)(?: good| cheap| simple| easy)? alternative\b(?! (?:text|energy|medicine|name|music|rock|title|ending|source|spelling|"
    r"history))",
    r"(?:^|\n)alternatives?(?: \w+){0,3}(?: ?:|(?=\n|$))|[.!?] alternatives?(?: \w+){0,2} ?:",
    r"\b(?:plan b|failing that|in a pinch\b(?! of\b)|if all else fails)\b|(?:^|\n|\bor )option (?:2|b|two)\b",
    rf"(?:{_START}|[,–—] (?:and |but |or )?|\b(?:and|but|or) ){_OTHER} {_WAY}\b(?! (?:of|a?round)\b)",
    rf"\bthere(?:'s| is| are| exists) (?:also )?{_OTHER} {_WAY}\b",
    rf"\b{_OTHER} {_WAY} (?:is|would be|could be|might be|to (?:do|get|reach|go|make|achieve) (?:it|this|that|there|about))\b",
    rf"\b{_CAN} (?:also )?{_DO}(?: with)? {_OTHER} {_WAY}\b",
    rf"\b(?:two|three|four|several|various|other|different|a couple of|a few|many) (?:good |common |easy |main |simple )?{_WAY}s (?:are|to|"
    rf"include|here|that work)\b",
    rf"\b(?:there are|you have|you\'ve got) (?:two|three|four|several|various|other|different|a couple of|a few) (?:\w+ )?{_WAY}s\b(?! in\b)",
    rf"\b{_CAN} either\b",
)
_FOR_SOME = (
    rf"\b{_CAN} also (?:{_DO}\b|[^.\n]{{1,60}}\bif\b)|\bif [^.\n]{{1,60}}, {_CAN} also\b",
    rf"\bor {_CAN}\b|{_START}or,? (?:if|when|for|you|just|simply|even|else|{_DO})\b|, or,? if [^.,\n]{{1,40}}, {_DO}\b",
    rf"{_START}otherwise,? (?:{_DO}\b|{_CAN}\b|[^.\n]{{1,60}}\b(?:gets (?:you )?there|works?|will do|does (?:it|the (?:job|trick)))\b)",
    rf"{_START}if you(?: prefer|(?:'d| would) rather(?: not)?|(?: would|'d) prefer)(?:,| [^.,\n]{{1,40}},)",
    r"\bif you (?:have no|lack|don't (?:have|own|like|want)|do not (?:have|own|like|want)|can't (?:find|get)|cannot (?:find|get)|"
    r"are out of) [^.,\n]{1,40}, (?!create|buy|get|ask|open|sign|make one|skip|read|call|then ask|you (?:need|must|have|should))",
    rf"\bif (?:that|this|it) (?:fails|bores you|doesn't (?:work|help|suit)|does not (?:work|help|suit)|is (?:not possible|too \w+)|"
    rf"isn't possible)[^.,\n]{{0,20}}, (?:{_DO}|{_CAN})\b",
    r"(?<!\bso that [^.\n]{0,60})\b(?:works?|does (?:it|the job|the trick)|will do)(?: \w+)? (?:too|(?:just |equally )?as well|"
    r"equally well)(?! as\b)(?=\s*(?:[.,;:!?)]|\n|$| (?:and|but|if|when|for|in|on|with)\b))|"
    r"\balso (?:works|does the (?:job|trick)|gets you there)\b",
)
ALTERNATIVE = regex.compile("|".join((*_SECOND_WAY, *_INSTEAD, *_FOR_SOME)))

NOTHING_BEFORE = regex.compile(r"\A\W*(?:alternatively|as an alternative|alternatives?(?: \w+){0,3} ?:)(?! you can\b)[^.!?\n]*[.!?]?")
"""An opening that offers an alternative before anything else was named. Models write it when they merely repeat the instruction."""


@checker("has_example")
def has_example(answer: Answer) -> float:
    """1 if the answer marks an example (`For example, …`). `such as` alone does not count, because it introduces a list."""
    return 1.0 if EXAMPLE.search(answer.lower) else 0.0


@checker("no_example")
def no_example(answer: Answer) -> float:
    return 1.0 - has_example(answer)


@checker("has_caveat")
def has_caveat(answer: Answer) -> float:
    """1 if the answer marks a caution (`Watch out: …`, `Keep in mind …`)."""
    return 1.0 if CAVEAT.search(answer.lower) else 0.0


@checker("no_caveat")
def no_caveat(answer: Answer) -> float:
    return 1.0 - has_caveat(answer)


@checker("has_alternative")
def has_alternative(answer: Answer) -> float:
    """1 if the answer marks a second way to the same end (`Alternatively, …`, `Another option is …`)."""
    return 1.0 if ALTERNATIVE.search(NOTHING_BEFORE.sub("", answer.lower)) else 0.0


@checker("no_alternative")
def no_alternative(answer: Answer) -> float:
    return 1.0 - has_alternative(answer)
