"""Which columns and types records ask for."""
