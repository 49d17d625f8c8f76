"""The shell's commands, a file for each few that belong together."""
