"""Train the small models that are not there yet: ``python -m small_models FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

from small_models.training import MODELS, make

for name in MODELS:
    make(name, Path(sys.argv[1]))
