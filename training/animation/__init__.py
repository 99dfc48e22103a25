"""Directions of expression from known heads, drivers and clips on disk, and what the animation commands share."""
