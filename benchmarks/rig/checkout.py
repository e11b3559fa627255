"""Where this checkout is: systems run from here, whatever the folder that the command was given in."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
