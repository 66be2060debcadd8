"""The proof: the engine crashed everywhere and on days full of faults, judged by the venue and the journal."""
