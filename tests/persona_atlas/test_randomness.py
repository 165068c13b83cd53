"""Random draws depend on the seed and a key, never on order."""

from persona_atlas.randomness import digest, generator


def test_the_same_seed_and_key_draw_the_same_on_every_platform() -> None:
    assert generator(0, "item", 3).integers(0, 1_000_000, 3).tolist() == [536562, 296410, 901077]


def test_seed_and_every_part_of_the_key_matter() -> None:
    draws = [generator(*key).random() for key in ((0, "a"), (1, "a"), (0, "b"), (0, "a", 1), (0, "a1"), (0,))]
    assert len(set(draws)) == len(draws)


def test_parts_of_a_key_do_not_run_together() -> None:
    assert generator(0, "ab", "c").random() != generator(0, "a", "bc").random()


def test_a_digest_is_sha_256_in_hex() -> None:
    assert digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
