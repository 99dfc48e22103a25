"""What every domain has around its things: styles of shading and kinds of backdrop. Append, never reorder."""

STYLES = ("natural", "clay", "toon", "ink")  # manners in which the same thing is shaded
BACKDROPS = ("plain", "gradient", "blurred shapes", "blurred lights", "horizon")
BACKGROUND_COLOURS = {
    "white": (0.93, 0.93, 0.93),
    "grey": (0.55, 0.55, 0.57),
    "charcoal": (0.15, 0.15, 0.16),
    "sky": (0.45, 0.62, 0.82),
    "sage": (0.52, 0.68, 0.52),
    "brick": (0.66, 0.34, 0.30),
    "sand": (0.90, 0.82, 0.58),
    "lilac": (0.60, 0.50, 0.74),
}
