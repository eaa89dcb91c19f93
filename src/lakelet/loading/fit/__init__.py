"""Whether a value fits a type: decided exactly, and fast where the answer is plain."""
