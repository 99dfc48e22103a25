"""Training of the semantic field: labelled rays of heads, and the task that learns from them."""
