"""What a function's result depends on, told from the source alone."""
