"""PersonaAtlas as a task of lm-eval: the folder that `atlas-eval task-path` prints."""
