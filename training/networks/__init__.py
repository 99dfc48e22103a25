"""Training of the small networks that judge pictures: what they learn from, losses, scores."""

import os

# Read when torch is first imported. Threads that spin while they wait make a training five times slower as soon as
# another program wants a core; threads that sleep cost next to nothing.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
