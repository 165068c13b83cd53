"""The engine `lm`: language models reword the conversations of the scripted engine, and each utterance is checked before it is taken."""
