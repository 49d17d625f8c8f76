"""Every face that people and programs touch: web pages, shell commands, HTTP API. Wires the other packages together."""
