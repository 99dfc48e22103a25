"""Pictures for trainings: read from shards or rendered, decoded once, damaged on purpose."""
