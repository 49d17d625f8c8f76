"""The answering backends: one Protocol in `base`, one file each."""
