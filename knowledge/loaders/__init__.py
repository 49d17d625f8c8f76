"""One module a format: bytes or text in, a title and sections out. `knowledge.load` is the door."""
