"""Training of the small image-text model: phrases, captions, losses."""
