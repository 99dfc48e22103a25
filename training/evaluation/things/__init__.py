"""Attribute transfer on any domain of rendered things, where the truth is known."""
