"""Heads as meshes: the surface of a density grid, its colours, and files that other programs open."""
