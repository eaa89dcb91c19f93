"""llama.cpp in a process of its own: started, supervised and ended by Lakelet."""
