"""What ``import training`` finds when a script of this folder is run by its path: the folder itself, as a package.

So ``python training/demo.py`` works in a clone without any installation: this makes the root importable, too. Scripts
therefore import something of ``training`` before anything of ``sat3d``.
"""

import sys
from pathlib import Path

__path__ = [str(Path(__file__).resolve().parent)]
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
