"""What is recorded of a run without being asked: code, command line, packages, machine."""
