"""A customer's message in, a streamed and cited reply out, or a hand-over to a person."""
