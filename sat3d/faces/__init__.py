"""Faces in pictures: where they are, 478 points of each, 52 blendshapes, and how the head is turned."""
