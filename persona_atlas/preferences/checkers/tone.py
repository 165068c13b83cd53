"""Checkers for tone: encouraging the reader, and admitting uncertainty."""

import regex

from persona_atlas.answer import Answer
from persona_atlas.preferences.checkers.persons import own_words
from persona_atlas.preferences.registry import checker

_START = r"(?:^|\n|[.!?:;–—] +)"
_CLAUSE = r"(?:^|\n|[.!?,:;–—] +|\b(?:and|so|but) )"
_GOOD = r"(?:great|good|nice|amazing|excellent|fantastic|wonderful|brilliant|awesome|impressive|solid|strong|superb|terrific|lovely)"
_DEED = r"(?:job|work|effort|going|start|progress|beginning|first (?:draft|try|attempt|step)|achievement|choice|thinking|call)"

_BELIEF = (
    r"\byou can (?:totally |absolutely |definitely )?do (?:this|it)\b(?! (?:in|with|on|by|from|at|for|online|through|using|via|later|any)\b)",
    r"\byou(?:'ve| have)(?: totally| absolutely)? got this\b|\bbelieve in (?:yourself|you)\b|"
    r"\btrust (?:yourself|your (?:instincts|abilit\w+))",
    r"\byou(?:'ll| will|'re going to| are going to)(?: all| soon| surely| definitely)? (?:do (?:great|fine|well|brilliantly|it|just fine)|"
    r"be (?:just |so |absolutely )?(?:fine|great|glad|proud|okay|amazing|brilliant|an? (?:expert|pro|natural))|get there|get the hang|nail|ace|"
    r"shine|succeed|make it(?=[.,!;]|$)|pull (?:this|it) off|thank yourself|manage(?=[.,!;]|$| it\b| this\b| just| fine| well)|"
    r"master (?:it|this))\b",
    r"\byou(?:'re| are) (?:capable|stronger|braver|more capable|ready for this|(?:much |already )?closer (?:\w+ ){1,7}than you think|"
    r"(?<!if you are )not alone|nearly there|almost there|well on your way|"
    r"(?:already |definitely |clearly )?(?:on|heading (?:in|down)) the right (?:track|path|way|direction)|off to an? (?:\w+ ){1,2}start|"
    r"(?:already |really )?doing (?:so |really |very )?(?:great|well|fine|good|better|amazing|a (?:great|good|fantastic)))\b",
    r"\bi(?:'m| am) (?:sure|confident|certain|rooting|cheering)(?: that)? (?:you|for you)\b|"
    r"\bi (?:believe in|have faith in|know you(?:'ll| can| will))\b",
    r"\b(?:be|so|very|really|feel) proud(?= of (?:you|yourself|your|what you|how|that|it|this)|[.,!])|\bproud of you",
    r"\byour (?:second|third|next|own)(?: \w+){0,2} will be (?:\w+ )?(?:wonderful|great|better|perfect|fine|amazing|easier)\b",
)
_WISH = (
    rf"(?:{_CLAUSE}|\bwish(?:ing)? you (?:the )?(?:very )?(?:all the )?|\bbest )(?:the )?(?:very )?(?:good|best of|lots of|all the) (?:luck|best)\b",
    rf"{_CLAUSE}(?:most of all, )?have (?:lots of |some )?fun\b|{_START}happy \w+ing\b|\b(?:fingers crossed|you'll love it|rooting for you)\b",
    rf"{_START}enjoy (?:your|the|every|it|this)(?! rest\b)(?: \w+){{0,4}}!|"
    rf"{_CLAUSE}enjoy (?:your (?:\w+ )?(?:trip|journey|ride|meal|vacation|holiday|day|success|progress)(?=[.,!\n]|$| and\b)|"
    rf"the (?:process|journey|ride)|every)\b",
)
_PERSEVERANCE = (
    rf"\bhang in there\b|\bkeep (?:it up|at it|up the|on going|pushing|believing)\b|{_CLAUSE}keep going(?=[.,!;]|\n|$| and you)|\bstick with it\b",
    r"\b(?:don't|do not|never|no need to|no reason to|try not to)(?: you)?(?: ever)? (?:worry|give up|panic(?!-)|"
    r"be (?:discouraged|afraid|hard on yourself|intimidated)|get discouraged|lose heart|despair)\b",
    rf"{_CLAUSE}(?:go for it(?=[.,!;]|\n|$| and)|chin up|stay strong|take heart|courage|onward|you rock)\b|\bno worries\b|"
    rf"\bbe (?:kind|gentle|patient|easy) (?:to|with|on) yourself\b",
    r"\bevery (?:little |small |tiny |single )?(?:step|bit|page|try|attempt|effort|day|minute) counts\b|"
    r"\b(?:it|this)(?:'ll| will)? (?:gets?|become) (?:much |so )?easier\b",
    r"\byou(?:'ve| have)(?: already)? (?:(?:done|made|taken|finished|got) the (?:hardest|hard|first|toughest|most difficult)|"
    r"come (?:so far|a long way)|what it takes|every reason)\b",
    r"\bthe (?:hardest|worst|hard) (?:part|bit|step) is (?:already )?(?:over|behind|done)\b|"
    r"\b(?:everyone|everybody) (?:starts|started|begins) somewhere\b|\bhappens to (?:everyone|everybody|the best)\b",
)
_PRAISE = (
    rf"{_START}(?:very )?well done\b(?! (?:steak|meat|beef|burger)|-)|, well done[.!]|"
    rf"{_CLAUSE}(?:bravo|kudos|congratulations|congrats|hats off|way to go|good for you)\b",
    rf"{_START}(?:really |already )?(?:what )?(?:an? )?{_GOOD} {_DEED}(?=[.,!]|\n|$| (?:on|with|so far|getting|already|there|taking|asking|for)\b)",
    rf"\b(?:that|this|it|which|you)(?:'s| is|'re off to|'ve made| have made| made) (?:already )?(?:an? )?(?:really |"
    rf"very )?{_GOOD} {_DEED}\b(?! (?:of|for|in|to)\b)|\bis (?:already )?an? {_GOOD} (?:start|beginning|first \w+|effort|achievement)(?=[.,!;])",
    rf"\byou(?:'re| are|'ve| have)? (?:did|done|doing|do) (?:an? |some |such an? )?(?:really |very )?{_GOOD} (?:job|work|thing)\b",
)
ENCOURAGEMENT = regex.compile("|".join((*_BELIEF, *_WISH, *_PERSEVERANCE, *_PRAISE)))

_UNCONDITIONAL = r"(?<!\b(?:if|when|until|once|whenever|where|unless)\b[^,.\n]{0,30})"
_NOT_SURE = (
    r"\b(?:probably|perhaps|maybe|possibly|presumably|conceivably|apparently|seemingly|supposedly|arguably|in all (?:likelihood|probability))\b",
    r"(?<!\b(?:equally|as|how|so) )\b(?:un)?likely\b|\b(?:chances|odds) are\b|"
    r"\bthere(?:'s| is) an? (?:good |fair |small |slight |real |decent )?(?:chance|possibility)\b",
    r"\bi(?:'d| would)? (?:\w+ly )?(?:think|believe|guess|suspect|suppose|assume|imagine|doubt|reckon|gather)\b|"
    r"\bi(?:'m| am) (?:guessing|inclined|assuming|unsure)\b|\bmy (?:best |first )?(?:guess|hunch|suspicion|impression)\b",
    r"\bas far as i (?:know|can (?:tell|see|judge))\b|\bto (?:the best of )?my knowledge\b|\bif i (?:remember|recall)\b|\bi(?:'m| am) not mistaken\b",
    rf"{_UNCONDITIONAL}\bnot (?:entirely |completely |fully |quite |too |so |absolutely |a hundred percent |100% )?(?:sure|certain)\b",
    rf"{_UNCONDITIONAL}\b(?:is|are|remains?) (?:still |largely |partly |somewhat |often |also )?(?:unclear|uncertain|unknown|not (?:\w+ )?clear|"
    rf"not known|debatable)\b(?! from\b)(?![^.\n]*\?)",
    r"\b(?:can't|cannot|can not|could not|couldn't|hard to|difficult to|impossible to) (?:say|tell|know|"
    r"be (?:\w+ )?(?:sure|certain))(?: (?:for|with) (?:certain|certainty|sure)|[.,]|\b(?= (?:whether|where|which|who|if|exactly|why|how)\b))",
    r"\b(?:i|nobody|no one|we) (?:don't|do not|can't|cannot|really don't)?(?: really)? ?(?:knows?|know)(?: for (?:sure|certain))? (?:whether|if|"
    r"for sure|for certain|exactly)\b|\bi (?:don't|do not) know\b",
    rf"{_UNCONDITIONAL}\b(?:seems?\b|appears? (?:to (?:be|have)|that)\b)",
    r"\btends? to (?!(?:his|her|its|their|your|the|our|my|a|an|this|each|every)\b)|"
    r"\bit(?:'s| is) (?:quite |entirely |well |just )?possible that\b|"
    r"\bcould (?:well |also |easily )?(?:have been|mean|indicate|stem|come from|point to)\b",
    r"\b(?:no guarantee|not guaranteed|don't quote me|do not quote me|a (?:grain|pinch) of salt|give or take)\b|\banyone's guess\b|"
    r"\bshould be (?:about|around|roughly|enough|fine|right|close)\b",
)
_DAMAGE = (
    r"(?:caused|related|linked|tied|connected|due|blocked|clogged|worn|damaged|stuck|jammed|cracked|infected|involved|affected|explained|mistaken|"
    r"overloaded|loosened|frayed|triggered|corroded)"
)
_PARTICIPLE = (
    r"(?:\w+ed|\w+en|sent|held|heard|made|found|kept|sold|bought|built|read|done|used|put|cut|set|won|lost|paid|told|left|caught|brought|met|led|"
    r"fed|said)"
)
COULD_BE = rf"\bcould (?:well |also |easily |just |simply )?be (?:{_DAMAGE}\b|(?!(?:\w+ly )?{_PARTICIPLE}\b))"
MIGHT = (
    r"(?<!\b(?:the|his|her|its|their|our|your|my|all|and|of|with|political|military|naval|economic|imperial|industrial|full|"
    r"sheer) )\bmight\b(?! of\b| and main\b)"
)
HEDGE = regex.compile("|".join((*_NOT_SURE, COULD_BE, MIGHT)))

_PEOPLE = (
    r"(?:you|we|i|guests?|visitors?|members?|children|kids|pupils|students?|passengers?|travell?ers?|tenants?|employees?|staff|users?|players?|"
    r"residents?|citizens?|customers?|drivers?|cyclists?|hikers?|campers?|dogs?|pets|cars?|vehicles?|candidates?|applicants?|anyone|everyone|"
    r"everybody|nobody|no one|participants?|person|workers?|teachers?|parents?|owners?|landlords?|adults?|women|men|people|parties|buyers?|"
    r"sellers?|patients?)"
)
_STATE = (
    r"(?:need|find|want|notice|feel|experience|prefer|have|be|wish|hear|think|get|lose|struggle|forget|suffer|encounter|run into|end up|well|"
    r"still|even|already|never|see|find|differ|react|vary)"
)
_GRANTED = (
    r"(?:taken|used|parked|stored|brought|left|carried|kept|worn|returned|cancelled|canceled|paid|substituted|served|sold|published|copied|"
    r"entered|opened|lit|claimed|deducted)"
)
_MONTH_BEFORE = r"(?:in|of|on|by|until|till|to|and|from|since|early|late|mid|last|next|this|every|march|april|june|july|or|\d)"
MAY = regex.compile(rf"(?<!\b{_MONTH_BEFORE}[ -])\bmay (?!(?:only |not )?be {_GRANTED}\b|only\b|i\b|\d|the \w+ be\b)\w")
PERMISSION = regex.compile(
    rf"(?i:\b{_PEOPLE})(?: (?:under|over|of|with|from|in|on|who|without|aged) [\w ]{{1,30}}?| \w+)? may (?:not |also |now |then |"
    rf"each )*+(?!{_STATE}\b)\w+"
)


def _straight(text: str) -> str:
    return text.replace("’", "'")


@checker("encouraging")
def encouraging(answer: Answer) -> float:
    """1 if the answer cheers the reader on (`You can do this.`, `Good luck`)."""
    return 1.0 if ENCOURAGEMENT.search(_straight(own_words(answer)).lower()) else 0.0


@checker("matter_of_fact")
def matter_of_fact(answer: Answer) -> float:
    return 1.0 - encouraging(answer)


@checker("hedged")
def hedged(answer: Answer) -> float:
    """1 if the answer admits uncertainty somewhere (`probably`, `it may vary`, `I think`). Permission (`guests may park`) does not count."""
    words = _straight(own_words(answer))
    # Capitals are kept for MAY, because they tell the month from the verb.
    return 1.0 if HEDGE.search(words.lower()) or MAY.search(PERMISSION.sub(" ", words)) else 0.0


@checker("unhedged")
def unhedged(answer: Answer) -> float:
    return 1.0 - hedged(answer)
