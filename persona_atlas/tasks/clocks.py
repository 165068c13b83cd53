"""Times of day among the spellings of a key point, told from the same time in the other half of the day.

>>> named(("07:25", "7:25"), "leave at 7:25."), named(("07:25", "7:25"), "leave at 7:25 pm.")
(True, False)
"""

from collections.abc import Sequence
from functools import lru_cache

import regex

from persona_atlas.preferences.checkers.hard import word_pattern

_DIGITAL = regex.compile(r"(\d{1,2}):([0-5]\d)")
_BY_THE_DAY = regex.compile(r"([01]\d|2[0-3]):[0-5]\d")
_FULL_HOUR = regex.compile(r"(?:[01]\d|2[0-3]):00")
_HALF_SAID = regex.compile(r"\d{1,2}(?::[0-5]\d)?[^\S\n]?(?P<half>[ap])\.?m\.?")
_LEAD = r"(?:(?:in|on|at|the|this|that|next|following|same|tomorrow|\p{L}{3,6}day|early|late|mid)(?:[^\S\n]|-)){0,4}"
_WORDS = {"am": "morning", "pm": "afternoon|evening"}
_OTHER = {"am": "pm", "pm": "am"}


def named(options: Sequence[str], lower: str) -> bool:
    """Return whether the text, in lower case, has one of the spellings as whole words.

    If one of them is a time with two digits for the hour (`07:25`), the half of the day is known: then a time that an `am`, `p.m.`, `in the
    evening` … of the other half follows does not count, and neither does a spelling that says the other half itself. A bare time counts.
    """
    return bool(_pattern(tuple(options)).search(lower))


@lru_cache(maxsize=16384)
def _pattern(options: tuple[str, ...]) -> regex.Pattern[str]:
    half = _half(options)
    if half is None:
        return word_pattern(options)
    others = tuple(option for option in options if not _DIGITAL.fullmatch(option) and not _contradicts(option, half))
    forms = [word_pattern((*others, *_on_the_hour(options, half))).pattern]
    for hour, minute in (match.groups() for option in options if (match := _DIGITAL.fullmatch(option))):
        forms.append(rf"{hour}:{minute}(?!\w){rf'(?!{_follows(int(hour), _OTHER[half])})' if int(hour) <= 12 else ''}")
        forms.append(rf"(?<![.,]){hour}\.{minute}(?={_follows(int(hour), half)})")
    return regex.compile(rf"(?<!\w)(?:{'|'.join(forms)})")


def _half(options: Sequence[str]) -> str | None:
    """Return the half of the day that the spellings mean, if one of them is a time by the 24-hour clock.

    Of `22:15` and `10:15` the later one is meant, since the other is the time in its half of the day; of `00:15` and `12:15` the earlier one.
    """
    hours = {int(match[1]) for option in options if (match := _BY_THE_DAY.fullmatch(option))}
    if not hours:
        return None
    return "am" if 0 in hours or max(hours) < 12 else "pm"


def _contradicts(option: str, half: str) -> bool:
    said = _HALF_SAID.fullmatch(option)
    return said is not None and said["half"] != half[0]


def _on_the_hour(options: Sequence[str], half: str) -> tuple[str, ...]:
    """Return how the full hour is said without its minutes, as `4 pm`, if the options have it as `16:00`; none otherwise."""
    hours = {int(option[:2]) for option in options if _FULL_HOUR.fullmatch(option)}
    if not hours:
        return ()
    number = (0 if 0 in hours else max(hours)) % 12 or 12
    return (f"{number} {half}", f"{number}{half}", f"{number} {half[0]}.m", f"{number}{half[0]}.m")


def _follows(hour: int, half: str) -> str:
    """The pattern of what says, directly behind a time by the 12-hour clock, that it is of this half of the day.

    Night belongs to both: from six to eleven it is before midnight, from twelve to four after it.
    """
    at_night = hour in range(6, 12) if half == "pm" else hour % 12 in range(5)
    words = f"(?:{_WORDS[half]}{'|night' if at_night else ''})"
    return (
        rf"(?:[^\S\n]{{0,2}}[-(,]?[^\S\n]?{half[0]}\.?[^\S\n]?m\b|"
        rf"[^\S\n]{{1,2}}\(?(?:{_LEAD}{words}{'|tonight' if at_night else ''})\b)"
    )
