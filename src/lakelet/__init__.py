"""Lakelet."""
