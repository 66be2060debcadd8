"""Laws that hold over the whole tree, and the files a newcomer meets first."""
