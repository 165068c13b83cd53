"""Builds releases: users, storylines, conversations, noise twins, items, shards; and verifies them."""
