"""A shim for the Purser conformance suite: JSON lines in, JSON lines out. Copy it, and fill in `operations`.

Run: purser-conformance run --shim "python3 shim.py"
"""

import json
import sys


class Reject(Exception):
    """Refused: a code and a stage of spec/registries/errors.csv, and further members of the reply.

    Own names of codes will do, where purser-conformance.toml maps them: [codes] own = "ours".
    """

    def __init__(self, code, stage, **more):
        super().__init__(f"{code} at {stage}")
        self.reply = {"outcome": "reject", "code": code, "stage": stage, **more}


class Unsupported(Exception):
    """Your library does not have this. Anything else that is raised is a fault."""


class State:
    """Whatever your library keeps between calls. `reset` makes a new one."""


state = State()


def hello(call):
    return {
        "implementation": {"name": "my-purser", "version": "0.1.0", "language": "python"},
        "roles": ["verifier"],  # verifier, issuer, agent, merchant, wallet
        "spec": ["1"],
        "features": ["core"],  # those of chapter 2 that you have
        "in_flight_max": 1,
    }


def reset(call):
    global state
    state = State()
    return {}


def paper_verify(call):
    paper = bytes.fromhex(call["paper"])
    # verified = my_library.verify(call["kind"], paper, ...)
    # if not verified.ok:
    #     raise Reject("cbor-duplicate-key", "encoding", offset=17)
    # return {"id": verified.id.hex(), "payload": verified.payload.hex()}
    raise Unsupported


operations = {
    "hello": hello,
    "reset": reset,
    "paper.verify": paper_verify,
    # One for each operation of conformance/shim.md that your roles have.
}


def answer(line):
    asked = {}
    try:
        asked = json.loads(line)
        if asked["op"] not in operations:
            raise Unsupported
        reply = {"outcome": "accept", "value": operations[asked["op"]](asked.get("input", {}))}
    except Unsupported:
        reply = {"outcome": "unsupported"}
    except Reject as refused:
        reply = refused.reply
    except Exception as error:  # a fault of this call, which loses no other
        reply = {"outcome": "fault", "message": repr(error)}
    return {"id": asked.get("id") if isinstance(asked, dict) else None, **reply}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(line)), flush=True)
