"""Statements that a page runs: the processes they run in, and their results on disk."""
