"""A proof as one JSON document, for scripts."""

from __future__ import annotations

import msgspec

from app.proof_show import outcome
from app.proof_tally import Proof


def document(proof: Proof) -> str:
    """The proof with what follows from it: `holds`, `outcome`, `total`, `never`, and how to see each failure again."""
    found = msgspec.to_builtins(proof)
    found |= {"holds": proof.holds, "outcome": outcome(proof), "never": proof.never}
    found["total"] = msgspec.to_builtins(proof.total)
    for failure, told in zip(proof.failed, found["failed"], strict=True):
        told["again"] = failure.again
    return msgspec.json.format(msgspec.json.encode(found), indent=1).decode()
