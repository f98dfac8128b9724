"""Bytes, envelopes, certificates, receipts, and the examples of the specification."""

from __future__ import annotations

import unittest

import cbor2

from purser import cbor, certificates, envelope, follower, keys, merkle, papers, receipt
from purser.certificates import Trust
from purser.errors import Reject

from .edn import EXAMPLES, example
from .world import ANCHORS, AUTHORITY, ISSUER, MERCHANT, NOW, ROOT, World, certificate, extension, key, leaf_extensions


class Refusals(unittest.TestCase):
    def refused(self, slug: str, stage: str | None, call, *args, offset: int | None = None) -> None:
        with self.assertRaises(Reject) as caught:
            call(*args)
        self.assertEqual((caught.exception.slug, stage or caught.exception.stage), (slug, caught.exception.stage))
        if offset is not None:
            self.assertEqual(caught.exception.offset, offset)


class Encoding(Refusals):
    def test_each_fault_of_a_container(self) -> None:
        for text, slug in [
            ("", "cbor-truncated"), ("19", "cbor-truncated"), ("6261", "cbor-truncated"), ("8201", "cbor-truncated"),
            ("9b00000001000000", "cbor-truncated"), ("9904010000", "cbor-truncated"), ("0000", "cbor-trailing"),
            ("1817", "cbor-not-deterministic"), ("a202010101", "cbor-not-deterministic"), ("9fff", "cbor-indefinite"),
            ("5f40ff", "cbor-indefinite"), ("a201010102", "cbor-duplicate-key"), ("f6", "cbor-type"),
            ("f93c00", "cbor-type"), ("ff", "cbor-type"), ("1c", "cbor-type"), ("1f", "cbor-type"),
            ("a18001", "cbor-type"), ("c100", "cbor-tag"), ("818181818181818180", "cbor-depth"),
            ("61ff", "text-invalid"), ("6100", "text-invalid"), ("6365cc81", "text-invalid"), ("f800", "cbor-type"),
        ]:
            with self.subTest(text):
                self.refused(slug, "encoding", cbor.decode, bytes.fromhex(text))

    def test_limits(self) -> None:
        self.refused("cbor-limit", None, cbor.decode, cbor.encode([0] * 1025))
        self.refused("cbor-limit", None, cbor.decode, cbor.encode("a" * 1025))
        self.assertEqual(len(cbor.decode(cbor.encode([0] * 1024))), 1024)

    def test_what_passes_is_what_another_library_writes(self) -> None:
        for value in [0, 23, 24, 2**64 - 1, -1, -(2**64), b"", b"x" * 300, "né", [1, [2]], True,
                      {1: 2, -1: "x", "aa": b"b"}]:
            # Its canonical order is by length first, which is the same here.
            raw = cbor2.dumps(value, canonical=True)
            self.assertEqual(cbor.encode(value), raw)
            self.assertEqual(cbor.encode(cbor.decode(raw)), raw)


class Examples(Refusals):
    def test_every_example_reads(self) -> None:
        for path in sorted(EXAMPLES.glob("*.edn")):
            raw = example(path.stem)
            with self.subTest(path.stem):
                if path.stem == "logged-receipt":
                    inside, later, inclusion, consistency = papers.read_logged(raw)
                    own = envelope.read(papers.read_receipt_container(inside)[3]).payload
                    follower.in_log(own, envelope.read(later).payload, inclusion, consistency)
                    self.refused("consistency-invalid", "receipt", follower.in_log, own, envelope.read(later).payload,
                                 inclusion, inclusion)
                elif path.stem.startswith("receipt"):
                    claims, index, proof, root = papers.read_receipt_container(raw)
                    paper = envelope.read(root)
                    papers.check_schema("root", paper.payload)
                    self.assertTrue(merkle.included(merkle.leaf(claims), index, paper.get(papers.TREE_SIZE), proof,
                                                    paper.get(papers.TREE_ROOT)))
                    papers.read_claims(claims, paper.get(papers.IAT))
                elif path.stem == "payment-request":
                    self.assertEqual(papers.read_request(raw).offer, example("offer"))
                elif path.stem == "detail":
                    papers.read_detail(raw)
                else:
                    paper = envelope.read(raw)
                    kind = paper.protected.get(envelope.TYP).removeprefix("purser-")
                    envelope.check_headers(paper, kind)
                    papers.check_version(paper)
                    papers.check_schema(kind, paper.payload)
                    papers.check_lifetime(kind, paper.payload)
                    self.assertEqual(cbor.encode(paper.payload), paper.payload_raw)

    def test_signatures_and_links(self) -> None:
        payer = keys.point_of(envelope.read(example("enrolment")).get(papers.CNF).get(1), "schema")
        agent = keys.point_of(envelope.read(example("mandate")).get(papers.CNF).get(1), "schema")
        for name, point in [("enrolment", payer), ("mandate", payer), ("mandate-single", payer),
                            ("mandate-conditional", payer), ("confirmation", payer), ("suspension", payer),
                            ("resumption", payer), ("revocation", payer), ("deposit", payer), ("proof", payer),
                            ("intent", agent), ("cancel", agent)]:
            paper = envelope.read(example(name))
            kind = name.partition("-")[0]
            self.assertEqual(paper.kid, keys.thumbprint(point))
            keys.verify(point, paper.signature,
                        envelope.signed_bytes(paper.protected_raw, paper.payload_raw, kind, "sandbox"))
        intent = envelope.read(example("intent"))
        self.assertEqual(intent.get(papers.OFFER), envelope.paper_id(example("offer")))
        self.assertEqual(intent.get(papers.MANDATE), envelope.paper_id(example("mandate")))
        self.assertEqual(envelope.read(example("resumption")).get(papers.SUSPENSION),
                         envelope.paper_id(example("suspension")))
        refused = cbor.decode(papers.read_receipt_container(example("receipt-refused"))[0])
        self.assertEqual(refused.get(papers.DETAIL), keys.sha256(example("detail")))


class Envelopes(Refusals):
    def setUp(self) -> None:
        self.paper = example("intent")

    def test_framing(self) -> None:
        raw = self.paper
        for data, slug, stage in [
            (b"", "cbor-truncated", "framing"), (raw[1:], "cose-tag", "framing"),
            (b"\xd8\x12" + raw[1:], "cbor-not-deterministic", "framing"), (b"\xd2\x83", "cose-structure", "framing"),
            (raw + b"\x00", "cbor-trailing", "framing"), (raw[:-1], "cbor-truncated", "framing"),
            (b"\xd2" + cbor.encode([b"", {}, b"\x00", bytes(63)]), "signature-format", "framing"),
            (b"\xd2\x84\x40\xa0\xf6", "payload-missing", "framing"),
            (b"\xd2\x84\x41\x00", "cose-structure", "framing"),
            (b"\xd2\x84\x42\xa0\x00", "cbor-trailing", "encoding"),
            (b"\xd2\x84\x40\xa0\x40", "cbor-truncated", "encoding"), (bytes(16_385), "message-too-large", "size"),
        ]:
            with self.subTest(data[:8].hex()):
                self.refused(slug, stage, envelope.read, data)

    def test_headers(self) -> None:
        good = {1: -9, 4: bytes(32), 16: "purser-intent"}
        for header, beside, slug in [
            ({4: bytes(32), 16: "purser-intent"}, {}, "alg-not-protected"), (good | {1: -7}, {}, "alg-forbidden"),
            (good | {3: 0}, {}, "header-forbidden"), (good, {4: b""}, "header-forbidden"),
            (good, {33: b"x"}, "header-forbidden"), (good | {2: [1]}, {}, "crit-unknown"),
            (good | {16: "purser-offer"}, {}, "type-mismatch"), (good | {4: b"x"}, {}, "signer-unnamed"),
            (good | {34: [-16, bytes(32)]}, {}, "signer-unnamed"),
        ]:
            paper = envelope.read(b"\xd2" + cbor.encode([cbor.encode(header), beside, b"\xa0", bytes(64)]))
            with self.subTest(slug):
                self.refused(slug, "headers", envelope.check_headers, paper, "intent")

    def test_the_twin_of_a_signature(self) -> None:
        message, signer = b"message", key("x")
        signature = signer.sign(message)
        order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
        twin = signature[:32] + (order - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
        keys.verify(signer.point, signature, message)
        keys.verify(signer.point, twin, message)
        self.refused("signature-invalid", None, keys.verify, signer.point, signature, b"other")
        self.refused("key-invalid", None, keys.verify, bytes(64), signature, message)


class Certificates(Refusals):
    def check(self, *chain: bytes, role: str = "merchant", now: int = NOW, x5t: bytes | None = None,
              iss: str | None = None, **trust):
        question = certificates.Question(role, now, now, lambda: now, lambda: iss, x5t)
        return certificates.check(list(chain), question, Trust(trust.pop("anchors", ANCHORS), **trust))

    def test_a_chain_that_passes(self) -> None:
        signer = self.check(MERCHANT)
        self.assertEqual((signer.party, signer.categories), ("tea.example", (5411, 5499)))
        middle = certificate("middle", "root", extensions=AUTHORITY)
        under = certificate("leaf", "middle", extensions=leaf_extensions("tea.example", "merchant"))
        self.assertEqual(self.check(under, middle).party, "tea.example")

    def test_each_refusal(self) -> None:
        leaf = leaf_extensions("tea.example", "merchant")
        middle = certificate("middle", "root", extensions=AUTHORITY)
        under = certificate("leaf", "middle", extensions=leaf)
        cases = {
            "cert-malformed": [MERCHANT + b"\x00"], "cert-chain-length": [MERCHANT] * 4, "cert-is-ca": [middle],
            "cert-not-ca": [certificate("leaf", "merchant", extensions=leaf), MERCHANT],
            "cert-role": [ISSUER], "cert-untrusted": [MERCHANT, ROOT], "cert-extension": [
                certificate("leaf", "root", extensions=leaf + [extension(b"\x55\x1d\x1e", b"\x30\x00", False)])],
            "cert-key-usage": [certificate("leaf", "root", extensions=leaf[1:])],
            "cert-eku": [certificate("leaf", "root", extensions=[leaf[0], leaf[2]])],
            "cert-name": [certificate("leaf", "root", extensions=leaf[:2])],
            "cert-expired": [certificate("leaf", "root", extensions=leaf, end=NOW - 1)],
            "cert-not-yet-valid": [certificate("leaf", "root", extensions=leaf, start=NOW + 1)],
        }
        for slug, chain in cases.items():
            with self.subTest(slug):
                self.refused(slug, None, lambda: self.check(*chain))
        self.refused("cert-mismatch", None, lambda: self.check(MERCHANT, x5t=bytes(32)))
        self.refused("cert-name", None, lambda: self.check(MERCHANT, iss="other.example"))
        tbs = certificates.parse(middle).tbs
        self.refused("cert-revoked", None, lambda: self.check(under, middle, revoked=frozenset([keys.sha256(tbs)])))
        short = certificate("root", "root", extensions=[
            b"\x30\x12\x06\x03U\x1d\x13\x01\x01\xff\x04\x08\x30\x06\x01\x01\xff\x02\x01\x00", AUTHORITY[1]])
        anchors = [certificates.anchor(short, ("merchant",))]
        self.refused("cert-pathlen", None, lambda: self.check(under, middle, anchors=anchors))
        self.refused("status-stale", None, lambda: self.check(MERCHANT, fresh_until=NOW - 1))
        self.refused("key-retired", None, lambda: self.check(MERCHANT, retired={key("merchant").point: NOW}))

    def test_both_ends_of_validity_are_included(self) -> None:
        leaf = certificate("leaf", "root", extensions=leaf_extensions("tea.example", "merchant"), start=NOW, end=NOW)
        self.assertEqual(self.check(leaf).party, "tea.example")


class Receipts(Refusals):
    def test_a_receipt_outlives_its_certificate(self) -> None:
        world = World()
        done = world.send("mandate", world.mandate())
        found = receipt.read(done.receipt, Trust(ANCHORS), "sandbox", NOW + 10**9)  # [RCT-11]
        self.assertEqual(found.outcome, papers.RECORDED)
        self.refused("signature-invalid", "signature", receipt.read, done.receipt, Trust(ANCHORS), "other", NOW)
        claims, index, proof, root = papers.read_receipt_container(done.receipt)
        self.refused("path-invalid", "receipt", receipt.read, cbor.encode([claims, 1, proof, root]),
                     Trust(ANCHORS), "sandbox", NOW)

    def test_trees(self) -> None:
        for size in range(1, 20):
            leaves = [merkle.leaf(bytes([at])) for at in range(size)]
            for at in range(size):
                proof = merkle.path(at, leaves)
                self.assertTrue(merkle.included(leaves[at], at, size, proof, merkle.root(leaves)))
                self.assertFalse(merkle.included(leaves[at], at + 1, size, proof, merkle.root(leaves)))
                self.assertEqual(merkle.consistent(at + 1, size, merkle.root(leaves[:at + 1]), merkle.root(leaves), []),
                                 at + 1 == size)


if __name__ == "__main__":
    unittest.main()
