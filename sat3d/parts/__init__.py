"""Parts of heads in 3D: a semantic field on a generator's features, and faces composed of parts of several."""
