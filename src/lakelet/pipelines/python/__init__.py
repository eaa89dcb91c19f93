"""Datasets declared in Python: decorators, the process functions run in, and their code."""
