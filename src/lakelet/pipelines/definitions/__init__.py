"""What a person writes: a pipeline's files, read into datasets and flows."""
