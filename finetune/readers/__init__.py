"""One reader for each kind of transcript file."""
