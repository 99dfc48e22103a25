"""Training of the built-in generator; the command is ``training/train_generator.py``."""
