"""The book's extensions and figures are imported as in a build: from the folder book."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "book"))
