"""Keeps litellm from fetching prices from the internet when it is imported. Import this before libraries that depend on litellm."""

import os

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
