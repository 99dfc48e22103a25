"""Makers and checkers that are run by hand: pictures for the documentation, parity, fuzzing, weight cards."""
