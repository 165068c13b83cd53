"""PersonaAtlas as a task of lm-eval. `atlas-eval task-path` prints the path of this folder."""
