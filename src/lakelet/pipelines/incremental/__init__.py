"""Refreshing materialized views from what changed in their inputs, where that is cheaper."""
