"""Parsers of face pictures: labels, and the networks that find them for every pixel."""
