"""Rules of rows: what the input catalogue refuses, repairs or marks, rule by rule."""
