"""Values and rules: standard library only, no clock, no I/O. See docs/reference/glossary.md for the words."""
