"""What of a text is personal: finders, each from a text to the spans that it found."""
