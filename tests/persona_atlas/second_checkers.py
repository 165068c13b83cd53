"""Independent second checkers, used in tests only.

Written from the `description` and `instructions` of the values alone, by someone who had not read the checkers of the package, so that the
two can be compared on the same answers: a small line parser for Markdown, token loops and word lists. Each reader names the forms that it
finds in an answer, and `SECOND[dimension, value]` tells whether that value makes up at least DECISIVE of them.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

DECISIVE = 0.75  # share of one form that decides
CARRIES = 0.4  # share of the words that a list or table must hold to carry the answer
LIST_ITEM = re.compile(r"([-*+]\s+|•\s*)?(\d{1,3}[.)]\s+)?(\[[ xX]\]\s+|[☐☑☒]\s*)?(.*)")
DELIMITER_ROW = re.compile(r"[>\s]*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)+\|?\s*")
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
TOKEN = re.compile(r"\d+(?:[.,:/⁄–-]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)*|\n|[^\w\s]")


@dataclass
class Line:
    kind: str  # text, heading, table, code, rule or blank
    text: str
    owner: str = ""  # the list or table that the line belongs to; for code, its language
    item: bool = False  # whether an item, a table row or a code block begins here


def words(text: str) -> list[str]:
    return text.split()


def parse(text: str) -> list[Line]:
    lines, fence, owner, top = [Line("blank", "")], "", "", 0
    raws = text.expandtabs(4).splitlines() or [""]
    for body, following in zip(raws, [*raws[1:], ""], strict=True):
        s = body.strip().lstrip("> ") if not fence and body.lstrip().startswith(">") else body.strip()
        last, indent, bare = lines[-1], len(body) - len(body.lstrip()), s.replace(" ", "")
        hashes = len(s) - len(s.lstrip("#"))
        if fence or (s[:3] in ("```", "~~~") and "`" not in s.lstrip("`~")):
            closes = fence and s.startswith(fence) and not s.strip(fence[0])
            language = last.owner if fence else " ".join(s.lstrip(s[0]).split()[:1]).lower()
            lines.append(Line("code", body if fence and not closes else "", language, not fence))
            fence = "" if closes else fence or s[: len(s) - len(s.lstrip(s[0]))]
        elif not s:
            lines.append(Line("blank", ""))
        elif "|" in s and (last.kind == "table" or DELIMITER_ROW.fullmatch(following)):
            owner = ""
            lines.append(Line("table", "" if DELIMITER_ROW.fullmatch(s) else s, "table", not DELIMITER_ROW.fullmatch(s)))
        elif 1 <= hashes <= 6 and s[hashes : hashes + 1] in ("", " "):
            owner = ""
            lines.append(Line("heading", s.strip("# ")))
        elif len(s) > 1 and set(s) in ({"="}, {"-"}) and last.kind == "text" and not last.owner:
            last.kind = "heading"  # an underlined heading
        elif len(bare) >= 3 and set(bare) in ({"*"}, {"-"}, {"_"}):
            owner = ""
            lines.append(Line("rule", ""))
        else:
            bullet, number, box, rest = LIST_ITEM.findall(s)[0]
            kind = "checklist" if box else "bulleted" if bullet else "numbered" if number else ""
            nested = bool(owner) and indent > top + 1
            if kind and (not nested or kind == "checklist"):
                owner, top = kind, top if nested else indent
            elif not nested and not (last.kind == "text" and last.owner):
                owner = ""  # a paragraph after the list
            lines.append(Line("text", rest, owner, bool(kind) and (not nested or kind == "checklist")))
    return lines[1:]


def content(text: str) -> list[Line]:
    return [line for line in parse(text) if line.kind in ("text", "heading", "table") and line.text]


def clean(text: str, keep_code: bool = False) -> str:
    """A line without its inline markup."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)|</?[a-zA-Z][^>]*>", r"\1", CODE_SPAN.sub(r"\2" if keep_code else "x", text))
    text = re.sub(r"[\\*_]", "", text).replace("º", "°")
    return unicodedata.normalize("NFKC", text).translate(str.maketrans("’ʼ‘", "'''"))


def tokens_of(text: str, keep_code: bool = True) -> list[str]:
    prose = "\n".join(clean(line.text, keep_code) for line in content(text))
    return TOKEN.findall(re.sub(r"(?i)\b([apeu])\.(m|g|s)\.?(?!\w)", r"\1\2", prose))  # a.m., p.m., e.g., U.S.


def get(tokens: list[str], at: int) -> str:
    return tokens[at] if 0 <= at < len(tokens) else ""


def says(text: str, phrases: str) -> bool:
    """Whether the answer has one of the phrases, which are parted by commas."""
    spoken = f" {' '.join(tokens_of(text, keep_code=False)).lower()} "
    return any(f" {phrase} " in spoken for phrase in phrases.split(", "))


def word_count(lines: list[Line]) -> int:
    return sum(any(c.isalnum() for c in word) for line in lines for word in clean(line.text, True).replace("|", " ").split())


def length(text: str) -> list[str]:
    count = word_count(content(text))
    return ["brief" if 15 <= count <= 40 else "medium" if 60 <= count <= 90 else "long" if 120 <= count <= 180 else ""]


def structure(text: str) -> list[str]:
    """The kind of list or table that carries the answer, or "prose" where there is none at all."""
    lines = content(text)
    owners = {line.owner for line in lines if line.owner}
    held = {owner: word_count([line for line in lines if line.owner == owner]) for owner in owners}
    best = max(owners, key=held.__getitem__, default="prose")
    carries = not owners or (held[best] >= CARRIES * word_count(lines) and sum(line.item for line in lines if line.owner == best) >= 2)
    return [best] if carries else []


def emphasis(text: str) -> list[str]:
    """Bold, italic or none, by matching the runs of * and _ that open and close."""
    found = set()
    for line in content(text):
        s = re.sub(r"</?(?:b|strong)>", "**", re.sub(r"</?(?:i|em)>", "*", CODE_SPAN.sub("x", line.text).replace("\\*", "").replace("\\_", "")))
        stack: list[tuple[str, int]] = []
        for run in re.finditer(r"\*+|_+", s):
            char, left = run[0][0], len(run[0])
            before, after = s[run.start() - 1 : run.start()] or " ", s[run.end() : run.end() + 1] or " "
            while left and not before.isspace() and (char == "*" or not after.isalnum()) and char in (opener for opener, _ in stack):
                opener, size = stack.pop()
                if opener == char:
                    found.add("bold" if min(left, size) >= 2 else "italic")
                    left -= min(left, size)
            if left and not after.isspace() and (char == "*" or not before.isalnum()):
                stack.append((char, left))
    return [min(found, default="none")]  # bold before italic


HASH_LANGUAGES = words("python py bash sh shell zsh yaml yml ruby rb r perl toml dockerfile makefile powershell ini")
NOT_CODE = words("text txt plaintext json csv markdown md console output")


def code_comments(text: str) -> list[str]:
    code = [line for line in parse(text) if line.kind == "code" and line.owner not in NOT_CODE]
    inside = commented = False  # inside a triple-quoted string
    for line in code:
        marks = r"//|/\*|<!--" if line.owner else r"//|/\*|<!--|# |-- "
        marks = "#" if line.owner in HASH_LANGUAGES else "--" if line.owner in ("sql", "lua") else marks
        unquoted = re.sub(r"""\"(\\.|[^"\\])*\"|'(\\.|[^'\\])*'|`[^`]*`|^#!""", "_", line.text)
        commented |= not inside and (line.text.lstrip()[:3] in ('"""', "'''") or bool(re.search(rf"(^|[\s;{{}},()>])({marks})", unquoted)))
        inside = not line.item and inside ^ ((line.text.count('"""') + line.text.count("'''")) % 2 == 1)
    return ["commented" if commented else "bare" if any(line.text.strip() for line in code) else ""]


EMOJI = re.compile(
    "[⌚⌛⏩-⏬⏰⏳☀☁☃☎☔☕☘☠☹☺♥♿⚓⚠⚡⚪⚫⚽⚾⛄⛅⛔⛪⛲⛳⛵⛺⛽✂✅✈✉✊✋✌✍✨❄❌❎❓-❕❗❣❤➕-➗⬛⬜⭐⭕\ufe0f\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff]"
)


def has_contraction(text: str) -> bool:
    pronouns = words("it that there here what who how where when why he she let this everything everyone something someone nothing")
    parts = [token.lower().rpartition("'") for token in tokens_of(text, keep_code=False) if "'" in token]
    return any(end in ("re", "ve", "ll", "m", "d") or stem[-1:] + end == "nt" or (end == "s" and stem in pronouns) for stem, _, end in parts)


NUMBERS = words("one two three four five six seven eight nine ten twelve fifteen twenty thirty forty fifty sixty hundred thousand million")
MONEY_TALK = set(words("cost costs price prices priced pay pays paid spend budget save fee fees charge rent worth sterling £ pence"))
METRIC = {f"{p}{u}{s}" for p in ("", "kilo", "centi", "milli") for u in words("gram gramme meter metre liter litre") for s in ("", "s")}
METRIC |= set(words("g kg mg mm cm m km ml l L dl cl ha kph kmh C kilo kilos hectare hectares tonne tonnes celsius"))
IMPERIAL = set(words("oz lb lbs in ft yd mi mph mpg gal qt psi F ounce ounces pound pounds inch inches foot feet yard yards mile miles"))
IMPERIAL |= set(words("gallon gallons quart quarts pint pints acre acres fahrenheit cup cups"))
CODES = words("USD EUR GBP JPY CAD AUD CHF CNY INR SEK NOK DKK NZD MXN BRL PLN CZK HUF SGD HKD KRW ZAR TRY ILS")
MONEY = words("dollar dollars euro euros pound pounds yen yuan rupee rupees cent cents pence franc francs peso pesos krone kroner zloty")


def is_number(token: str) -> bool:
    return token[:1].isdigit() or token.lower() in NUMBERS


def is_money_pound(tokens: list[str], at: int) -> bool:
    return get(tokens, at + 1) != "of" and bool(MONEY_TALK & {token.lower() for token in tokens[max(0, at - 8) : at + 6]})


def units(text: str) -> Iterable[str]:
    """The system of each unit that follows a number; spoons belong to both systems."""
    for at, token in enumerate(tokens := tokens_of(text)):
        name = token if len(token) == 1 else token.lower()
        back = at - 1
        while get(tokens, back).lower() in ("°", "degrees", "degree", "-", "square", "cubic", "sq", "fluid", "fl"):
            back -= 1
        loose = len(name) > 2 and name not in ("foot", "yard", "pound") and get(tokens, back) in ("a", "an", "half", "few", "per")
        priced = any(unicodedata.category(sign) == "Sc" for sign in get(tokens, back - 1))
        pound = name in ("pound", "pounds") and is_money_pound(tokens, at)
        preposition = name == "in" and get(tokens, at + 1).isalpha() and tokens[at + 1] not in words("wide long tall deep thick high x by")
        if (is_number(get(tokens, back)) or loose) and not (priced or pound or preposition):
            yield "metric" if name in METRIC else "imperial" if name in IMPERIAL else ""


def clock_times(text: str) -> Iterable[str]:
    for at, token in enumerate(tokens := tokens_of(text)):
        first, second, third = (get(tokens, at + step).lower() for step in (1, 2, 3))
        half_day = first in ("am", "pm") or (first in ("to", "and", "until", "–", "-") and second[:1].isdigit() and third in ("am", "pm"))
        for part in re.split("[–-]", token):
            hour, colon, minutes = part.partition(":")
            if colon and hour.isdecimal() and len(hour) < 3 and int(hour) <= 24 and re.fullmatch("[0-5][0-9]", minutes):
                yield "h12" if half_day else "h24"
            elif half_day and hour.isdecimal() and not colon and len(hour) < 3 and 1 <= int(hour) <= 12:
                yield "h12"


MONTHS = set(words("january february march april may june july august september october november december sept"))
DAYS = [f"{day:{pad}}" for day in range(1, 32) for pad in ("", "02")]
MONTHS |= {month[:3] for month in MONTHS}


def dates(text: str) -> Iterable[str]:
    for at, token in enumerate(tokens := tokens_of(text)):
        back = at - 1
        while get(tokens, back).lower() in ("of", "st", "nd", "rd", "th"):
            back -= 1
        if token.lower() in MONTHS and token[0].isupper():
            if re.split("[–-]", get(tokens, back))[-1] in DAYS and get(tokens, back - 1).lower() not in MONTHS:
                yield "day_month"
            elif re.split("[–-]", get(tokens, at + 1 + (get(tokens, at + 1) in (".", "the"))))[0] in DAYS:
                yield "month_day"
        elif re.fullmatch(r"\d{1,2}/\d{1,2}/\d{2,4}", token):
            yield "slashes"
        elif re.match(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?!\d)", token):
            yield "iso"


def money(text: str) -> Iterable[str]:
    for at, token in enumerate(tokens := tokens_of(text)):
        back = at - 1
        while get(tokens, back) in ("US", "American", "Canadian", "Australian", "British", "-"):
            back -= 1
        if is_number(get(tokens, back)) or is_number(get(tokens, at + 1)):
            if unicodedata.category(token[0]) == "Sc" or token in CODES:
                yield "code" if token in CODES else "symbol"
            elif token.lower() in MONEY and is_number(get(tokens, back)) and (token[:5].lower() != "pound" or is_money_pound(tokens, at)):
                yield "words"


ISE = """organ real recogn apolog categor character custom emphas final general maxim minim normal optim priorit special standard summar util visual
    memor author capital critic central stabil steril symbol initial local modern personal familiar synchron energ neutral item equal"""
OTHER = """grey/gray aluminium/aluminum mould/mold mouldy/moldy plough/plow defence/defense offence/offense catalogue/catalog doughnut/donut cosy/cozy
    pyjamas/pajamas sceptical/skeptical ageing/aging judgement/judgment enrol/enroll fulfil/fulfill skilful/skillful moustache/mustache tyre/ tyres/
    artefact/artifact manoeuvre/maneuver analyse/analyze analysed/analyzed analysing/analyzing jewellery/jewelry paediatric/pediatric programme/
    practising/practicing practised/practiced yoghurt/ licence/ cheque/ cheques/ programmes/ centred/centered instalment/installment"""
PAIRS = [tuple(pair.split("/")) for pair in words(OTHER)]
for stem in words("col fav flav behavi neighb lab harb hon hum rum od vap sav arm endeav vig rig"):
    PAIRS += [(f"{stem}our{end}", f"{stem}or{end}") for end in ["", *words("s ed ing ful less able ably ite ites y er ers hood al")]]
for stem in words(ISE):
    PAIRS += [(f"{stem}is{end}", f"{stem}iz{end}") for end in words("e es ed ing er ers ation ations")]
for stem in words("travel cancel label model fuel level signal counsel channel tunnel marvel"):
    PAIRS += [(f"{stem}l{end}", f"{stem}{end}") for end in words("ed ing er ers ous")]
for stem in words("cent theat fib lit met kilomet centimet millimet millilit calib somb meag lust"):
    PAIRS += [(f"{stem}re{end}", f"{stem}er{end}") for end in ("", "s")]
SPELLING = {pair[side]: name for pair in PAIRS for side, name in enumerate(("british", "american")) if pair[side]}

GREETING = re.compile(r"\s*(#.*\n+)?[^\w\n]*(hi|hello|hey|greetings|welcome|howdy|good (morning|afternoon|evening|day))\b(?!-)", re.IGNORECASE)
QUESTION = re.compile(r"\?([^\w.!?:;`]|_)*$")  # nothing after the question mark but quotes, brackets and emoji
EXAMPLES = "example, examples, eg, for instance, to illustrate"
CAVEATS = (
    "watch out, be careful, keep in mind, bear in mind, beware, be aware, be cautious, caution, ⚠, warning :, warning \n, caveat :, disclaimer :"
)


def shows(read: Callable[[str], Iterable[str]], value: str, text: str) -> bool:
    counts = Counter(form for form in read(text) if form)
    return counts[value] > 0 and counts[value] >= DECISIVE * counts.total()


READERS: dict[str, tuple[Callable[[str], Iterable[str]], list[str]]] = {
    "structure": (structure, ["bulleted", "numbered", "checklist", "table", "prose"]),
    "length": (length, ["brief", "medium", "long"]),
    "emphasis": (emphasis, ["bold", "italic", "none"]),
    "code_comments": (code_comments, ["commented", "bare"]),
    "units": (units, ["metric", "imperial"]),
    "clock": (clock_times, ["h24", "h12"]),
    "dates": (dates, ["month_day", "day_month", "iso"]),
    "currency": (money, ["symbol", "code", "words"]),
    "spelling": (
        lambda text: [SPELLING.get(token.lower().removesuffix("'s"), "") for token in tokens_of(text, keep_code=False)],
        ["british", "american"],
    ),
    "opening": (lambda text: ["greeting"] if GREETING.match(text) else [], ["greeting"]),
    "closing": (lambda text: ["question"] if QUESTION.search(text) else [], ["question"]),
    "emoji": (lambda text: ["some" if EMOJI.search(text) else "none"], ["some", "none"]),
    "exclamation": (lambda text: ["lively" if "!" in tokens_of(text, keep_code=False) else "calm"], ["lively", "calm"]),
    "headings": (lambda text: ["headings" if any(line.kind == "heading" for line in parse(text)) else "none"], ["headings", "none"]),
    "contractions": (lambda text: ["contracted" if has_contraction(text) else "full"], ["contracted", "full"]),
    "example": (lambda text: ["example" if says(re.sub(r"example\.(com|org|net)", "", text), EXAMPLES) else "none"], ["example", "none"]),
    "caveat": (lambda text: ["caveat" if says(text, CAVEATS) else "none"], ["caveat", "none"]),
}
SECOND: dict[tuple[str, str], Callable[[str], bool]] = {
    (dimension, value): partial(shows, read, value) for dimension, (read, values) in READERS.items() for value in values
}
