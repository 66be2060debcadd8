"""The proof: one folder per room, and one for the project shell."""
