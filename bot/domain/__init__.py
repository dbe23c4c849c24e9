"""Values and pure rules: standard library only, no clock, no input, no output."""
