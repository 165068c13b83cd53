"""The checker for how times of day are written."""

import regex

from persona_atlas.answer import Answer
from persona_atlas.preferences.checkers.locale import ONE_TO_TWELVE, count, share
from persona_atlas.preferences.registry import checker

_AM_PM = r"\s?[ap]\.?\s?m\b"
_DAY_PART = r"(?:in the (?:morning|afternoon|evening)|at night)\b"
_DAYTIME = rf"\s(?:(?:o'clock )?(?:{_DAY_PART}|tonight)|noon|midnight)"
_JOINED = r"\s?(?:[-–—,]|to|and|until|till|or)\s?"
_TO_12H = rf"(?:{_JOINED}\d{{1,2}}(?:[:.][0-5]\d)?){{1,5}}(?:{_AM_PM}|{_DAYTIME})"

_RATIO = r"ratio|scale|slope|dilut\w+|mix|brew(?:ed)?|odds|pace|aspect|map|model"
_SCORE = r"scored?|won|lost|(?:personal|her|his|my|your) best"
_DURATION = r"took(?! place)|lasts|lasted|ran it"
_SCRIPTURE = r"chapter|verse|psalms?|matthew|mark|luke|john|genesis|exodus|proverbs|isaiah|acts|romans|corinthians|revelation|surah?|quran"
_BEFORE_RATIO = rf"\b(?:{_RATIO}|{_SCORE}|{_DURATION}|{_SCRIPTURE})\b(?:(?!\b(?:at|by|from|until)\b)[^.\n\d]){{0,20}}"
_NO_RATIO = rf"(?<!{_BEFORE_RATIO})(?<!\bin )"
_MEASURED = (
    r"ratio|scale|aspect|slope|monitor|screen|display|format|dilution|mix(?:ture)?|solution|model|pace|long(?!-)|into|mile|kilomet(?:er|re)|"
    r"marathon"
)
_NO_SPAN = rf"(?!{_AM_PM}|:?\d|\s?/\s?\p{{L}}|\s?per\b|\s?min(?:ute)?s?\b|\s(?:{_MEASURED})\b)"
_AT = r"(?<=\b(?:at|by|from|until|before|after|around|about) )"
_MORNING = rf"(?:[1-9]|1[0-2]):[0-5]\d{_NO_SPAN}(?!\s?h(?:ou)?rs?\b|{_TO_12H}|{_DAYTIME})"
H24 = regex.compile(
    rf"(?=\d){_NO_RATIO}(?<![\d:.])(?:(?:0\d?|1[3-9]|2[0-3]):[0-5]\d{_NO_SPAN}|24:00|(?:1[3-9]|2[0-3])h[0-5]\d\b|{_MORNING})|"
    rf"(?=\d){_AT}(?:(?:[01]\d|2[0-3])[0-5]\d h(?:ou)?rs\b|(?:1[3-9]|2[0-3])h\b|\d{{1,2}}h[0-5]\d\b)"
)
_HOUR = rf"(?<![\d:.])(?:1[0-2]|0?[1-9])(?:[:.][0-5]\d)?|\b(?:{ONE_TO_TWELVE})(?:[\s-](?:fifteen|thirty|forty-five))?"
_BY_DAY_PART = rf"(?<![\d:.])(?:1[0-2]|[1-9])(?::[0-5]\d| o'clock) {_DAY_PART}|{_AT}(?:1[0-2]|[1-9]) {_DAY_PART}"
H12 = regex.compile(rf"(?:{_HOUR}){_AM_PM}|{_BY_DAY_PART}")


@checker("clock")
def clock(answer: Answer, *, style: str) -> float:
    """The share of the times of day that are written in `style` (`h24`: 18:30, `h12`: 6:30 pm); 0 if there are none."""
    h12, h24 = count(H12, answer.lower), count(H24, answer.lower)
    return share(h24, h12) if style == "h24" else share(h12, h24)
