"""A face that is driven: motion read from pictures of another face, put onto a latent, and rendered frame by frame."""
