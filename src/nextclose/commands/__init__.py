"""[shell] The commands: parse, call, print; no arithmetic, and nothing heavy before its time."""
