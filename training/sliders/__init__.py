"""Training of sliders: heads and what is read from their pictures, subspaces, and the task that learns T and D."""
