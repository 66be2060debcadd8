"""Pure mathematics: arrays in, arrays out, no clock and no files."""
