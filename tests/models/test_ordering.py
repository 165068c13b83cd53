"""Which prompt goes to the engine when."""

from persona_atlas.models.ordering import ALIKE, LeaderFirst


def test_short_prompts_go_in_their_order() -> None:
    queue = LeaderFirst(["a", "b", "a"])
    assert [queue.next() for _ in range(len(queue))] == [0, 1, 2]


def test_followers_wait_for_the_leader_of_their_beginning_and_then_go_first() -> None:
    beginning = "x" * ALIKE
    queue = LeaderFirst([beginning + "1", beginning + "2", "short", beginning + "3", "y" * ALIKE + "1"])
    assert [queue.next(), queue.next()] == [0, 2]
    queue.done(0)
    assert [queue.next(), queue.next(), queue.next()] == [1, 3, 4]
    assert len(queue) == 0


def test_every_prompt_comes_exactly_once() -> None:
    prompts = [f"{chr(97 + i % 5) * ALIKE}{i}" for i in range(40)]
    queue, seen = LeaderFirst(prompts), []
    while len(queue):
        seen.append(queue.next())
        queue.done(seen[-1])
    assert sorted(seen) == list(range(40))
