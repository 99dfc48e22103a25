"""Attribute transfer on the built-in generator, where the truth is known: SAT3D masks beside simpler methods."""
