"""Publishing: the journal, the commits, the publication, and recovery."""
