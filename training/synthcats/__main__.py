"""SynthCats: rendered heads of cats with known attributes.

python -m training.synthcats render|sheet|describe --help
"""

import sys

from training.synth.commands import make_main

from .domain import CATS

main = make_main(CATS)

if __name__ == "__main__":
    sys.exit(main())
