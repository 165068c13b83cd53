"""The engine `lm`: language-model agents give the storylines of the scripted engine their own words, each utterance verified."""
