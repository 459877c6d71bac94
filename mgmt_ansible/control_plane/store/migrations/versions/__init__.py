"""The revisions; a file name begins with its number."""
