"""What a verifier can say of one paper, chain or message, without a state."""

from __future__ import annotations

from . import message, papers
from .certificates import Question, Signer, Trust, check
from .errors import Reject
from .keys import thumbprint
from .message import Part

# The refusal of a paper whose `kid` is not the one expected.
_WRONG_SIGNER = {"mandate": "mandate-signer", "intent": "agent-mismatch", "proof": "proof-invalid"}


def wrong_signer(part: Part) -> Reject:
    """[SIG-12], [SIG-13], [SIG-14] or [HTB-32]."""
    slug = _WRONG_SIGNER.get(part.kind, "command-signer")
    return Reject(slug, "http" if slug == "proof-invalid" else "signature")


def verify_chain(chain: list[bytes], role: str, now: int, trust: Trust) -> Signer:
    """A chain by itself, as if a paper had been made with it now."""
    if not chain:
        raise Reject("cert-missing")  # [CRT-1]
    return check(chain, Question(role, now, now, lambda: now, lambda: None), trust)


def verify_paper(kind: str, raw: bytes, network: str, now: int, key: bytes | None, trust: Trust,
                 role: str | None = None) -> Part:
    """One paper through the stages size to schema, under the signer that was expected."""
    part = Part(kind, kind, raw)

    def find_key(one: Part, _: list[Part]) -> bytes:
        if one.signer is not None and key is None:
            return one.signer.point
        if one.signer is None and key is not None and thumbprint(key) == one.paper.kid:
            return key
        raise wrong_signer(one)

    message.read_all([part], trust if key is None else None, network, now, find_key, role=role)
    papers.check_lifetime(kind, part.paper.payload)
    return part
