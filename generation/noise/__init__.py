"""Noise: labelled and verified edits of a text, whose clean twin is kept, and conversations that make a history dirtier."""
