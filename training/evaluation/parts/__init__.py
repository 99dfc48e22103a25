"""Parts in 3D: masks of unseen views against renders, and parts swapped between heads against other ways to do it."""
