"""Tables and words of the report, section by section."""
