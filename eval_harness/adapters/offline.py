"""Imported before libraries that bring litellm, which would otherwise look up prices on the internet when it is imported."""

import os

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
