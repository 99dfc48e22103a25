"""Attribute transfer on the built-in generator, where the truth is known: SAT3D masks beside simpler methods."""

from .command import add_arguments, run

__all__ = ["add_arguments", "run"]
