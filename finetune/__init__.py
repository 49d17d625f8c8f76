"""Transcripts in, an evaluated and promoted adapter out."""
