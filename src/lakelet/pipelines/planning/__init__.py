"""Planning: what reads what, what runs, and why."""
