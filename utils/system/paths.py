"""Where the project and its data sets are."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DATASETS = PROJECT / "utils" / "datasets"
