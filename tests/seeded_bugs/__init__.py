"""Known bugs of trading engines, put back into this one, and the proof that the proof finds each of them."""
