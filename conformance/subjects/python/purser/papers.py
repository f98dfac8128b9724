"""The fields of every paper and container, and the conflicts that each chapter lists (`spec/cddl/`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from . import cbor
from .cbor import Map
from .envelope import MAX_PAPER, Paper
from .errors import Reject
from .schema import (Check, Field, agent_key, amount, category, channel, count, currency, data, digest,
                     fields, holder, listed, long_text, optional, party, refuse, row, rules, seconds, short,
                     short_text, shown, text, true, uint)

MAX_MESSAGE = 65_536  # [ENC-1], of a payment request and an answer
MAX_BATCH = 1_048_576  # [ENC-1]

# Labels (registries/labels.csv).
ISS, SUB, AUD, EXP, NBF, IAT, CTI, CNF = range(1, 9)
VERSION, MANDATE, OFFER, INTENT, AMOUNT, CURRENCY, SECRET_HASH, OUTCOME, CODE = range(-1, -10, -1)
LINEAGE, SERIAL, MODE, PARENT, REPLACES, CAPS, GRANTS, FUNDED, REFUND_RETURNS = range(-10, -19, -1)
SHOWN, CONVERSATION, ITEMS, ACCEPTS, KIND, CAPTURE, RESOURCE, PSEUDONYM = range(-19, -27, -1)
HOLD_SECONDS, CHANNEL, DEVICE, PERIOD, HOW, EVIDENCE, PHRASE, COMMAND, SALT = range(-27, -36, -1)
DETAIL, HOLD_UNTIL, APPROVAL, USER_CODE, ANSWER_BY, MANDATES, SUSPENSION, FINAL = range(-36, -44, -1)
ENCLOSED, STATE, TREE_ROOT, TREE_SIZE, BATCH, LOG_ROOT, LOG_SIZE, NETWORK = range(-44, -52, -1)
DIGEST, TARGET, SUSPENSIONS = range(-52, -55, -1)
ACCOUNT, REASON, OFFERED = -55, -56, -58
DISPUTE, GROUND, STANCE, DELIVERED, EXHIBITS = range(-100, -105, -1)
PARTS, PARTS_ROOT, KEY = -120, -121, -124

SINGLE, CONDITIONAL, QUOTA = 1, 2, 3
METERED, SUBSCRIPTION = 2, 3
AT_ONCE, BY_COMMAND = 1, 2
DISCOUNT = 2
VOICE = 2
AUTHORIZED, SETTLED, CAPTURED, VOIDED, REFUNDED, PENDING, REFUSED, CANCELLED, RECORDED = range(1, 10)
OUTCOMES = dict(enumerate(("authorized", "settled", "captured", "voided", "refunded", "pending", "refused",
                           "cancelled", "recorded"), 1))

_iss, _aud, _exp, _iat = Field("iss", party), Field("aud", party), Field("exp", seconds), Field("iat", seconds)
_sub, _cti, _version = Field("sub", short), Field("cti", short), Field("version", uint(1, 1))
_amount, _currency, _intent = Field("amount", amount), Field("currency", currency), Field("intent", digest)
_offer, _mandates = Field("offer", digest), Field("mandates", listed(1, 256, digest, True))
_reason = optional("reason", long_text)
_dispute, _exhibits = Field("dispute", digest), optional("exhibits", listed(1, 16, digest, True))

item = fields({1: Field("items", short_text), 2: Field("items", long_text), 3: optional("items", category),
               4: Field("items", count), 5: Field("items", amount), 6: optional("items", uint(2, 5))})
mandate_command = {SUB: _sub, AUD: _aud, IAT: _iat, CTI: _cti, VERSION: _version, MANDATES: _mandates}

SCHEMAS: dict[str, dict[int, Field]] = {
    "credential": {ISS: _iss, SUB: _sub, EXP: _exp, IAT: _iat, CNF: Field("cnf", agent_key), VERSION: _version},
    "pseudonym": {ISS: _iss, SUB: _sub, AUD: _aud, EXP: _exp, IAT: _iat, VERSION: _version},
    "mandate": {
        SUB: _sub, AUD: _aud, EXP: _exp, NBF: Field("nbf", seconds), IAT: _iat, CNF: Field("cnf", holder),
        VERSION: _version, OFFER: optional("offer", digest), CURRENCY: _currency, LINEAGE: Field("lineage", short),
        SERIAL: Field("serial", count), MODE: Field("mode", uint(1, 3)), PARENT: optional("parent", digest),
        REPLACES: optional("replaces", digest), CAPS: optional("caps", rules),
        GRANTS: optional("grants", listed(1, 16, rules)), FUNDED: optional("funded", amount),
        REFUND_RETURNS: optional("refund_returns", true), SHOWN: optional("shown", shown),
        CONVERSATION: optional("conversation", digest)},
    "offer": {
        ISS: _iss, EXP: _exp, IAT: _iat, CTI: _cti, VERSION: _version, AMOUNT: _amount, CURRENCY: _currency,
        ITEMS: Field("items", listed(1, 64, item)), ACCEPTS: Field("accepts", listed(1, 8, row(party, short_text))),
        KIND: Field("kind", uint(1, 4)), CAPTURE: Field("capture", uint(1, 2)),
        RESOURCE: optional("resource", digest), PSEUDONYM: optional("pseudonym", short),
        HOLD_SECONDS: optional("hold_seconds", uint(1, 2_678_400))},
    "intent": {
        AUD: _aud, IAT: _iat, VERSION: _version, MANDATE: Field("mandate", digest), OFFER: _offer, AMOUNT: _amount,
        CURRENCY: _currency, SECRET_HASH: Field("secret_hash", digest), CHANNEL: optional("channel", channel),
        DEVICE: optional("device", digest), PERIOD: optional("period", count)},
    "confirmation": {
        SUB: _sub, AUD: _aud, IAT: _iat, VERSION: _version, INTENT: _intent, SHOWN: optional("shown", shown),
        HOW: Field("how", uint(1, 4)), EVIDENCE: optional("evidence", digest), PHRASE: optional("phrase", long_text)},
    "root": {
        IAT: _iat, VERSION: _version, TREE_ROOT: Field("tree_root", digest), TREE_SIZE: Field("tree_size", count),
        BATCH: Field("batch", uint()), LOG_ROOT: Field("log_root", digest), LOG_SIZE: Field("log_size", uint()),
        NETWORK: Field("network", text(1, 32))},
    "status": {
        ISS: _iss, EXP: _exp, IAT: _iat, VERSION: _version, MANDATE: Field("mandate", digest),
        STATE: Field("state", uint(1, 6)), SUSPENSIONS: optional("suspensions", listed(1, 64, digest))},
    "delivery": {ISS: _iss, IAT: _iat, VERSION: _version, OFFER: _offer, INTENT: _intent,
                 STATE: Field("state", uint(1, 3)), DIGEST: Field("digest", digest)},
    "capture": {ISS: _iss, AUD: _aud, IAT: _iat, CTI: _cti, VERSION: _version, INTENT: _intent, AMOUNT: _amount,
                CURRENCY: _currency, FINAL: optional("final", true)},
    "void": {ISS: _iss, AUD: _aud, IAT: _iat, CTI: _cti, VERSION: _version, INTENT: _intent},
    "refund": {ISS: _iss, AUD: _aud, IAT: _iat, CTI: _cti, VERSION: _version, INTENT: _intent, AMOUNT: _amount,
               CURRENCY: _currency, REASON: _reason},
    "cancel": {AUD: _aud, IAT: _iat, CTI: _cti, VERSION: _version, ENCLOSED: Field("enclosed", data()),
               OFFERED: optional("offered", data())},
    "suspension": mandate_command | {REASON: _reason},
    "revocation": mandate_command | {REASON: _reason},
    "resumption": mandate_command | {SUSPENSION: Field("suspension", digest)},
    "enrolment": {SUB: optional("sub", short), AUD: _aud, IAT: _iat, CTI: _cti, CNF: Field("cnf", agent_key),
                  VERSION: _version},
    "payout": {ISS: _iss, AUD: _aud, IAT: _iat, CTI: _cti, VERSION: _version, AMOUNT: _amount, CURRENCY: _currency,
               ACCOUNT: Field("account", short_text)},
    "deposit": {SUB: _sub, AUD: _aud, IAT: _iat, CTI: _cti, VERSION: _version, AMOUNT: _amount,
                CURRENCY: _currency},
    "batch": {SUB: _sub, AUD: _aud, IAT: _iat, CTI: _cti, VERSION: _version, PARTS: Field("parts", uint(1, 1_024)),
              PARTS_ROOT: Field("parts_root", digest)},
    "retirement": {SUB: _sub, AUD: _aud, IAT: _iat, CTI: _cti, VERSION: _version, REASON: _reason,
                   KEY: Field("key", digest)},
    "freeze": {ISS: _iss, SUB: _sub, IAT: _iat, CTI: _cti, VERSION: _version, REASON: _reason},
    "thaw": {ISS: _iss, SUB: _sub, IAT: _iat, CTI: _cti, CNF: optional("cnf", agent_key), VERSION: _version,
             REASON: _reason},
    "dispute": {SUB: _sub, AUD: _aud, IAT: _iat, CTI: _cti, VERSION: _version, INTENT: _intent, AMOUNT: _amount,
                CURRENCY: _currency, REASON: _reason, GROUND: Field("ground", uint(1, 4)), EXHIBITS: _exhibits},
    "dispute-answer": {ISS: _iss, AUD: _aud, IAT: _iat, CTI: _cti, VERSION: _version, INTENT: _intent,
                       REASON: _reason, DISPUTE: _dispute, STANCE: Field("stance", uint(1, 2)),
                       DELIVERED: optional("delivered", data()), EXHIBITS: _exhibits},
    "ruling": {ISS: _iss, SUB: _sub, IAT: _iat, CTI: _cti, VERSION: _version, INTENT: _intent,
               AMOUNT: optional("amount", amount), CURRENCY: _currency, REASON: _reason, DISPUTE: _dispute},
    "proof": {AUD: _aud, IAT: _iat, CTI: _cti, VERSION: _version, TARGET: Field("target", text(1, 1024))},
}
_CHECKS: dict[str, Check] = {kind: fields(table) for kind, table in SCHEMAS.items()}


def _conflict(name: str) -> Reject:
    return refuse("field-conflict", name)  # [ENC-16]


def _mandate(p: Map) -> None:
    mode = p.get(MODE)
    if p.get(EXP) <= p.get(NBF):
        raise _conflict("exp")  # [MAN-4]
    if (p.get(SERIAL) == 1) == (REPLACES in p):
        raise _conflict("replaces")  # [MAN-5]
    if (mode == SINGLE) != (OFFER in p):
        raise _conflict("offer")  # [SGL-1] [SGL-2]
    if (mode == CONDITIONAL) != (GRANTS in p):
        raise _conflict("grants")  # [CND-1]
    if mode == QUOTA and not (CAPS in p and 3 in p.get(CAPS)):
        raise _conflict("caps")  # [QTA-1]
    if FUNDED in p and (mode != QUOTA or PARENT in p):
        raise _conflict("funded")  # [QTA-2]


def _offer_conflicts(p: Map) -> None:
    if p.get(EXP) <= p.get(IAT):
        raise _conflict("exp")  # [INT-10]
    if HOLD_SECONDS in p and p.get(CAPTURE) == AT_ONCE:
        raise _conflict("hold_seconds")  # [INT-11]
    if any(3 in line and 6 in line for line in p.get(ITEMS)):
        raise _conflict("items")  # [INT-12]
    issuers = [payee[0] for payee in p.get(ACCEPTS)]
    if len(set(issuers)) != len(issuers):
        raise _conflict("accepts")  # [INT-13]
    lines = [(line.get(4) * line.get(5), line.get(6) == DISCOUNT) for line in p.get(ITEMS)]
    if sum(-price if discount else price for price, discount in lines) != p.get(AMOUNT):
        raise refuse("items-total", "items")  # [INT-4]


def _confirmation(p: Map) -> None:
    if p.get(HOW) == VOICE and not (PHRASE in p and EVIDENCE in p) or p.get(HOW) != VOICE and PHRASE in p:
        raise _conflict("phrase")  # [CNF-11]


def _root(p: Map) -> None:
    if p.get(LOG_SIZE) != p.get(BATCH) + 1:
        raise _conflict("log_size")  # [RCT-10]


_CONFLICTS: dict[str, Callable[[Map], None]] = {
    "mandate": _mandate, "offer": _offer_conflicts, "confirmation": _confirmation, "root": _root}


def check_version(paper: Paper) -> None:
    """The stage version."""
    if paper.has(VERSION):
        version = paper.get(VERSION)
        if type(version) is not int or version != 1:
            raise Reject("version-unsupported", field="version")  # [VER-1]


def check_schema(kind: str, payload: Any) -> None:
    """The stage schema: the fields, then the conflicts."""
    _CHECKS[kind](payload, "payload")
    if kind in _CONFLICTS:
        _CONFLICTS[kind](payload)


# Lifetimes that a reader judges from the paper alone, after its schema.
_LIFETIMES = {"status": 60, "pseudonym": 31 * 86_400}


def check_lifetime(kind: str, payload: Map) -> None:
    if kind in _LIFETIMES and payload.get(EXP) - payload.get(IAT) > _LIFETIMES[kind]:
        raise Reject("lifetime-exceeded", "time")  # [REV-9] [INT-3]


# Containers.

_request = fields({1: Field("mandates", listed(0, 8, data())), 2: Field("offer", data()),
                   3: Field("intent", data()), 4: optional("confirmation", data())})
_batch = fields({1: Field("batch", data()), 2: Field("parts", listed(1, 1_024, data()))})
_part = row(data(), data())
_answer = fields({1: Field("receipt", data()), 2: optional("detail", data())})
_receipt = row(data(), uint(), listed(0, 16, digest), data())
_proof = listed(0, 64, digest)
_logged = row(data(), row(data(), _proof, _proof))
_checkpoint = row(data(), _proof)
_detail = fields({CODE: Field("code", uint()), SALT: Field("salt", short), 1: optional("link", uint()),
                  2: optional("grant", uint()), 3: optional("rule", uint())})
_claims = fields({
    IAT: _iat, OFFER: optional("offer", digest), INTENT: optional("intent", digest),
    AMOUNT: optional("amount", amount), CURRENCY: optional("currency", currency),
    SECRET_HASH: optional("secret_hash", digest), OUTCOME: Field("outcome", uint(1, 9)),
    CODE: optional("code", uint()), PSEUDONYM: optional("pseudonym", short), COMMAND: optional("command", digest),
    SALT: Field("salt", short), DETAIL: optional("detail", digest), HOLD_UNTIL: optional("hold_until", seconds),
    APPROVAL: optional("approval", long_text), USER_CODE: optional("user_code", short_text),
    ANSWER_BY: optional("answer_by", seconds)})


def _container(body: bytes, most: int, check: Check, name: str) -> Any:
    if len(body) > most:
        raise Reject("message-too-large", "size")  # [ENC-1]
    value = cbor.decode(body)  # [ENC-21]
    check(value, name)
    return value


@dataclass
class PaymentRequest:
    """The papers of a payment request, not yet read."""

    mandates: list[bytes]
    offer: bytes
    intent: bytes
    confirmation: bytes | None

    def parts(self) -> list[tuple[str, str, bytes]]:
        """Name, kind and bytes, in the order of [AUT-3]."""
        found = [(f"mandate {at}", "mandate", raw) for at, raw in enumerate(self.mandates)]
        found += [("offer", "offer", self.offer), ("intent", "intent", self.intent)]
        if self.confirmation is not None:
            found.append(("confirmation", "confirmation", self.confirmation))
        return found


def read_request(body: bytes) -> PaymentRequest:
    value = _container(body, MAX_MESSAGE, _request, "request")
    return PaymentRequest(value.get(1), value.get(2), value.get(3), value.get(4))


def read_batch(body: bytes) -> tuple[bytes, list[bytes]]:
    """A batch, and the parts that it signs [WAL-22]."""
    value = _container(body, MAX_BATCH, _batch, "batch")
    return value.get(1), value.get(2)


def read_part(data: bytes) -> tuple[bytes, bytes]:
    """The protected header and the payload of a part of a batch."""
    protected, payload = _container(data, MAX_PAPER, _part, "part")
    return protected, payload


def read_answer(body: bytes) -> tuple[bytes, bytes | None]:
    value = _container(body, MAX_MESSAGE, _answer, "answer")
    return value.get(1), value.get(2)


def read_receipt_container(body: bytes) -> tuple[bytes, int, list[bytes], bytes]:
    claims, index, path, root = _container(body, MAX_PAPER, _receipt, "receipt")
    return claims, index, path, root


def read_logged(body: bytes) -> tuple[bytes, bytes, list[bytes], list[bytes]]:
    """A logged receipt: the receipt, a later root, and the proofs of inclusion and consistency."""
    receipt, (root, inclusion, consistency) = _container(body, MAX_MESSAGE, _logged, "logged receipt")
    return receipt, root, inclusion, consistency


def read_checkpoint(body: bytes) -> tuple[bytes, list[bytes]]:
    """A root, and the proof that the log of a smaller one is its beginning."""
    root, consistency = _container(body, MAX_MESSAGE, _checkpoint, "checkpoint")
    return root, consistency


def read_detail(body: bytes) -> Map:
    value = cbor.decode(body)
    _detail(value, "detail")
    return value


_PAYMENT = {OFFER, INTENT, PSEUDONYM}
_MONEY = {AMOUNT, CURRENCY}
_BASE = {IAT, OUTCOME, SALT}
_FORMS: dict[int, tuple[set[int], ...]] = {
    AUTHORIZED: (_PAYMENT | _MONEY | {SECRET_HASH, HOLD_UNTIL},),
    SETTLED: (_PAYMENT | _MONEY | {SECRET_HASH},),
    CAPTURED: (_PAYMENT | _MONEY | {COMMAND},),
    VOIDED: (_PAYMENT | _MONEY, _PAYMENT | _MONEY | {COMMAND}),
    REFUNDED: (_PAYMENT | _MONEY | {COMMAND},),
    PENDING: (_PAYMENT | _MONEY | {SECRET_HASH, APPROVAL, USER_CODE, ANSWER_BY},),
    REFUSED: (_PAYMENT | _MONEY | {SECRET_HASH, CODE, DETAIL}, {COMMAND, CODE, DETAIL},
              {COMMAND, CODE, DETAIL} | _PAYMENT),
    CANCELLED: ({OFFER, INTENT, CODE},),
    RECORDED: ({COMMAND}, {COMMAND} | _MONEY),
}


def read_claims(raw: bytes, root_iat: int) -> Map:
    """The claims of a receipt, at the stages encoding and schema."""
    claims = cbor.decode(raw)
    _claims(claims, "claims")
    present = {key for key, _ in claims.pairs} - _BASE
    if present not in _FORMS[claims.get(OUTCOME)]:
        raise _conflict("outcome")  # [RCT-4]
    if claims.get(OUTCOME) == CANCELLED and claims.get(CODE) != 191:
        raise _conflict("code")  # [RCT-4]
    if claims.get(IAT) > root_iat:
        raise _conflict("iat")  # [RCT-20]
    return claims
