"""What is where in a face picture: the labels, and the networks that find them."""
