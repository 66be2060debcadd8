"""The codec, against itself, against texts written by hand, and against client libraries."""
