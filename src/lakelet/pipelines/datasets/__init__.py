"""Datasets: how each kind gets its rows, checked and staged."""
