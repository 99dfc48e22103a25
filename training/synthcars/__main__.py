"""SynthCars: rendered cars with known attributes.

python -m training.synthcars render|sheet|describe --help
"""

import sys

from training.synth.commands import make_main

from .domain import CARS

main = make_main(CARS)

if __name__ == "__main__":
    sys.exit(main())
