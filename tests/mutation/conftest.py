"""Without cosmic-ray (extra `mutation`) nothing makes mutants, and what imports it is not collected."""

import importlib.util

collect_ignore = [] if importlib.util.find_spec("cosmic_ray") else ["mutants.py", "__main__.py"]
