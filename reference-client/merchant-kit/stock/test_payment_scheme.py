"""Our challenges, credentials and receipts, as pympp reads them; and its challenges, as we pass them over."""

import asyncio
import base64
import importlib.metadata
import json
import os
import pathlib
import ssl
import subprocess
import tempfile
import unittest
from types import SimpleNamespace

import httpx
from mpp import Challenge, Credential, Receipt
from mpp.client import PaymentTransport
from mpp.runtime import ClientMethod

BUILT = pathlib.Path(os.environ["PURSER_BUILT"])
VECTORS = json.loads(pathlib.Path(os.environ["PURSER_VECTORS"]).read_text())["cases"]


def accepted(op: str) -> list[dict]:
    """Cases of the vectors that our reader takes, with the header that it is given."""
    cases = [case for case in VECTORS if case["call"]["op"] == op and case["expect"].get("value")]
    assert cases, op
    return cases


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Headers(unittest.TestCase):
    """What stands in the vectors."""

    @classmethod
    def setUpClass(cls) -> None:
        print("pympp", importlib.metadata.version("pympp"))

    def test_our_challenges_say_the_same_there(self) -> None:
        for case in accepted("challenge.read"):
            header, ours = case["call"]["input"]["header"], case["expect"]["value"]
            if not header.startswith("Payment "):
                continue  # another scheme in front: a client splits the field first
            with self.subTest(case["id"]):
                theirs = Challenge.from_www_authenticate(header)
                self.assertEqual((theirs.method, theirs.intent), ("purser", "charge"))
                self.assertEqual(unpadded(theirs.id).hex(), ours["id"])
                self.assertEqual(theirs.request["amount"], ours["amount"])
                self.assertEqual(theirs.request["currency"], ours["currency"].lower())
                self.assertEqual(theirs.expires, ours["expires"])

    def test_our_credentials_read_there_and_what_it_writes_of_them_reads_here(self) -> None:
        read = 0
        for case in accepted("credentials.read"):
            header = case["call"]["input"]["header"]
            with self.subTest(case["id"]):
                theirs = Credential.from_authorization(header)
                self.assertEqual(theirs.challenge.method, "purser")
                self.assertLessEqual({"receipt", "secret"}, set(theirs.payload))
                again = shim("credentials.read", {"header": theirs.to_authorization()})
                self.assertEqual(again["outcome"], "accept", again)
                self.assertEqual(again["value"], case["expect"]["value"])
                read += 1
        self.assertGreater(read, 0)

    def test_their_challenge_beside_ours_is_passed_over(self) -> None:
        other = Challenge.create(secret_key="k" * 32, realm="shop.example", method="tempo", intent="charge",
                                 request={"amount": "1", "currency": "0x20c0", "recipient": "0x1"})
        other = other.to_www_authenticate("shop.example")
        base = next(case for case in accepted("challenge.read") if case["id"] == "http/challenge/base")
        ours = base["call"]["input"]["header"]
        for header in (f"{other}, {ours}", f"{ours}, {other}", f'X402 version="2", {other}, {ours}'):
            reply = shim("challenge.read", {"header": header})
            self.assertEqual((reply["outcome"], reply.get("value")), ("accept", base["expect"]["value"]), header)
        self.assertNotEqual(shim("challenge.read", {"header": other})["outcome"], "accept")


class Shop(unittest.TestCase):
    """A shop that runs: the kit's example."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        box = pathlib.Path(self.folder.name) / "box"
        ports = ["--issuer-listen", "127.0.0.1:0", "--merchant-listen", "127.0.0.1:0"]
        subprocess.run([BUILT / "purser-server", "sandbox", "--dir", box, *ports], check=True,
                       stdout=subprocess.DEVNULL)
        shop = subprocess.Popen([BUILT / "examples/shop", box / "merchant.toml"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(shop.wait)
        self.addCleanup(shop.terminate)
        self.addCleanup(shop.stdout.close)
        self.url = shop.stdout.readline().strip()
        self.tls = ssl.create_default_context(cafile=box / "roots.pem")

    def test_the_402_parses_and_its_words_are_those_of_the_price(self) -> None:
        answer = httpx.get(f"{self.url}/fortune?about=tea", verify=self.tls)
        self.assertEqual(answer.status_code, 402)
        challenge = Challenge.from_www_authenticate(answer.headers["www-authenticate"])
        self.assertEqual((challenge.realm, challenge.method, challenge.intent), ("shop.example", "purser", "charge"))
        self.assertEqual((challenge.request["amount"], challenge.request["currency"]), ("100", "cny"))
        self.assertEqual(len(unpadded(challenge.request["methodDetails"]["salt"])), 16)
        self.assertEqual(challenge.to_echo().id, challenge.id)

    def test_a_client_without_our_method_leaves_the_402_as_it_is(self) -> None:
        async def never(params: object) -> str:
            raise AssertionError(f"asked to pay: {params}")

        async def ask() -> httpx.Response:
            inner = httpx.AsyncHTTPTransport(verify=self.tls)
            method = SimpleNamespace(name="tempo", intent="charge", key="tempo/charge")
            other = ClientMethod(method=method, create_credential=never)
            async with httpx.AsyncClient(transport=PaymentTransport(methods=[other], inner=inner)) as client:
                return await client.get(f"{self.url}/fortune?about=tea")

        answer = asyncio.run(ask())
        self.assertEqual(answer.status_code, 402)
        self.assertTrue(answer.headers["content-type"].startswith("application/cose"))


class Receipts(unittest.TestCase):
    """What a merchant says of a payment that it took."""

    def test_the_form_of_the_scheme(self) -> None:
        said = {"status": "success", "method": "purser", "timestamp": "2026-11-02T08:00:44Z",
                "reference": base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")}
        written = base64.urlsafe_b64encode(json.dumps(said, separators=(",", ":"), sort_keys=True).encode())
        read = Receipt.from_payment_receipt(written.decode().rstrip("="))
        self.assertEqual((read.status, read.method, read.reference), ("success", "purser", said["reference"]))


def shim(op: str, data: dict) -> dict:
    """What our reader makes of it."""
    call = json.dumps({"id": "1", "op": op, "input": data}) + "\n"
    done = subprocess.run([BUILT / "purser-shim"], input=call, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout.splitlines()[0])


if __name__ == "__main__":
    unittest.main()
