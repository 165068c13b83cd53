"""What a finished run says about itself is checked for its form alone here; tests/leaderboard hands in whole runs."""

from dataclasses import replace

from eval_harness.claims import COUNTS, malformed
from eval_harness.runfolder import Sample

ANSWERED = Sample("mine", "clean", "u-test-000000-i00", "Why?", "Because.", "stop", None, None, 3, 2)
LOST = Sample("profile", "clean", "u-test-000000-i00", None, "", "error", "the server is away", None, None, None)


def test_a_prompt_that_the_target_was_to_write_may_be_lost() -> None:
    assert list(malformed([LOST])) == []


def test_the_prompt_of_an_arm_that_asks_nobody_cannot_be_lost() -> None:
    assert list(malformed([replace(LOST, arm="mine")])) == ["mine under clean for u-test-000000-i00 ended with error and has no prompt"]


def test_an_answer_without_a_prompt_is_malformed_whoever_was_to_write_it() -> None:
    answered = replace(LOST, answer="Yes.", finish_reason="stop", error=None, prompt_tokens=1, answer_tokens=1)
    assert list(malformed([answered])) == ["profile under clean for u-test-000000-i00 ended with stop and has no prompt"]


def test_only_an_empty_answer_may_lack_the_counts_that_others_have() -> None:
    other = replace(ANSWERED, item_id="u-test-000001-i00", prompt_tokens=None, answer_tokens=None)
    assert list(malformed([ANSWERED, replace(other, answer="")])) == []
    assert list(malformed([ANSWERED, other])) == [f"{name} is there for some answers and not for others" for name in COUNTS]
