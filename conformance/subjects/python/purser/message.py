"""The stages from size to schema over all papers of a message (chapter 9, "The order")."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Iterator

from . import certificates, envelope, keys, papers
from .certificates import Signer, Trust
from .envelope import KINDS, Paper
from .errors import Reject


@dataclass
class Part:
    """A paper of a message, and what the stages so far have found out about it."""

    name: str
    kind: str
    data: bytes
    paper: Paper = None  # type: ignore[assignment]
    signer: Signer | None = None
    done: bool = False  # registered before: it takes part again from the stage known on

    @property
    def id(self) -> bytes:
        return self.paper.id

    def __getitem__(self, label: int) -> Any:
        return self.paper.payload.get(label)


KeyFinder = Callable[[Part, list[Part]], bytes]


@contextmanager
def naming(part: Part) -> Iterator[None]:
    """Names the part in a refusal."""
    try:
        yield
    except Reject as fault:
        raise fault.at(part.name)


def unreadable(kind: str, paper: Paper) -> Reject:
    """The refusal of a paper of which a field is needed that cannot be read: what the later stages find [AUT-6]."""
    try:
        papers.check_version(paper)
        papers.check_schema(kind, paper.payload)
    except Reject as fault:
        return fault
    raise AssertionError("a field that could not be read has passed the schema")


def needed(part: Part, label: int) -> Any:
    """A field that a signer is found by, judged as the schema judges it."""
    found = papers.SCHEMAS[part.kind][label]
    try:
        found.check(part.paper.get(label), found.name)
    except Reject:
        raise unreadable(part.kind, part.paper).at(part.name) from None
    return part.paper.get(label)


def check_certificates(part: Part, trust: Trust, now: int, role: str | None = None) -> None:
    """The stage certificates of one paper."""
    paper = part.paper
    if paper.x5t is None:
        return
    chain = trust.chain_for(paper.x5t, paper.chain)
    made = partial(needed, part, papers.IAT)
    named = papers.ISS in papers.SCHEMAS[part.kind]
    part.signer = certificates.check(chain, certificates.Question(
        role=KINDS[part.kind][1] or role or "merchant", now=now, made=made, x5t=paper.x5t,
        time=made if part.kind == "root" else lambda: now,  # old receipts outlive their certificates [RCT-11]
        name=partial(needed, part, papers.ISS) if named else lambda: None), trust)


def check_signature(part: Part, point: bytes, network: str) -> None:
    """[SIG-11] and [SIG-15] of one paper, under the key that was found."""
    paper = part.paper
    keys.verify(point, paper.signature,
                envelope.signed_bytes(paper.protected_raw, paper.payload_raw, part.kind, network))
    if part.kind == "root":
        named = paper.get(papers.NETWORK)
        if isinstance(named, str) and named != network:
            raise Reject("signature-invalid", field="network")  # [RCT-18]


def read_all(parts: list[Part], trust: Trust, network: str, now: int, find_key: KeyFinder,
             registered: Callable[[bytes], bool] = lambda _: False, role: str | None = None) -> None:
    """Lets every part pass each stage before any enters the next [AUT-2] [AUT-3]."""
    for part in parts:
        with naming(part):
            part.paper = envelope.read(part.data)
            part.done = part.kind == "mandate" and registered(part.id)
    todo = [part for part in parts if not part.done]
    for part in todo:
        with naming(part):
            envelope.check_headers(part.paper, part.kind)
    for part in todo:
        with naming(part):
            check_certificates(part, trust, now, role)
    for part in todo:
        with naming(part):
            check_signature(part, find_key(part, parts), network)
    for part in todo:
        with naming(part):
            papers.check_version(part.paper)
    for part in todo:
        with naming(part):
            papers.check_schema(part.kind, part.paper.payload)
