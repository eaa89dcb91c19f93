"""From bytes to records: decompression, text, and where one record ends and the next begins."""
