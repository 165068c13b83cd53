"""Which option an answer names: repeating the question is no answer."""

import time

import pytest

from persona_atlas.tasks.options import named

BOLT, JUMPING = ("toggle bolt", "picture nail"), ("rope jumping", "rowing")
FRIDGE, RESET, MEDIAN = ("efficient fridge", "basic fridge"), ("soft", "mixed", "hard"), ("median", "mean")


def names(options: tuple[str, ...], text: str) -> bool:
    return named(options[0], options[1:], text.lower())


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (BOLT, "You ask whether to use a toggle bolt or a picture nail for the 10 kg mirror. Use a picture nail."),
        (BOLT, "Toggle bolt or picture nail? A picture nail."),
        (BOLT, "Should it be a toggle bolt for drywall or rather a picture nail? Use the picture nail."),
        (BOLT, "Between a toggle bolt and a picture nail, the picture nail is best."),
        (BOLT, "Toggle bolt vs. picture nail\nThe picture nail wins."),
        (BOLT, "Is a toggle bolt needed? No, a picture nail will do."),
        (BOLT, "Use a toggle bolt or a picture nail."),
        (JUMPING, "Rope jumping burns fewer calories than rowing, so choose rowing."),
        (FRIDGE, "The basic one is cheaper than the efficient one."),
        (RESET, "Of --soft, --mixed, or --hard, you want --mixed."),
        (MEDIAN, "Mean or median? The mean."),
    ],
)
def test_an_option_named_in_an_echo_of_the_question_is_not_named_first(options: tuple[str, ...], text: str) -> None:
    assert not names(options, text)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (BOLT, "You ask about a picture nail or a toggle bolt. Use a toggle bolt."),
        (BOLT, "Picture nail or toggle bolt? Toggle bolt."),
        (BOLT, "Why not use a toggle bolt?"),
        (BOLT, "Use a toggle bolt or, if you have none, a picture nail."),
        (BOLT, "Between the two, the toggle bolt holds best, and the picture nail fails."),
        (BOLT, "A picture nail pulls out of drywall, so use the toggle bolt."),
        (RESET, "Use soft, not mixed or hard."),
        (RESET, "Soft, mixed or hard? Soft."),
        (MEDIAN, "The one extreme rent means that you should take the median."),
    ],
)
def test_the_right_option_beside_an_echo_counts(options: tuple[str, ...], text: str) -> None:
    assert names(options, text)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (BOLT, "Use toggle bolts, not picture nails."),
        (JUMPING, "Jumping rope burns more."),
        (FRIDGE, "The efficient one is cheaper than the basic one."),
        (FRIDGE, "Efficient fridges pay off."),
    ],
)
def test_an_option_may_be_named_in_the_plural_or_in_the_users_wording(options: tuple[str, ...], text: str) -> None:
    assert names(options, text)


@pytest.mark.parametrize(
    "piece", ["toggle bolt ", "a toggle bolt or ", "whether toggle bolt ", "so ", "so use ", "between ", "? ", "a", "toggle bolt, "]
)
def test_a_hostile_answer_is_read_in_bounded_time(piece: str) -> None:
    started = time.process_time()
    names(BOLT, (piece * 40_000)[:40_000])
    assert time.process_time() - started < 5.0
