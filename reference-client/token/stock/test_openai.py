"""A stock OpenAI client pays by metered session; whoever falls over, issuer, seller and agent agree to the unit."""

import concurrent.futures
import json
import pathlib
import re
import signal
import ssl
import sys
import time
import unittest
import urllib.error
import urllib.request

import openai

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "mcp" / "stock"))
from town import BIN, WAIT, Town, run  # noqa: E402

# Fen for a thousand tokens, as the sandbox's seller has them.
INPUT, OUTPUT, PER = 3, 15, 1000
PROMPT = "Say something about tea and rain."


def setUpModule():
    global town
    town = Town()
    with (town.box / "seller.toml").open("a") as settings:
        settings.write('\n[[seller.coupons]]\ncode = "PAIR"\nplan = "basic"\noff = "0.50 CNY"\nuses = 2\n')


def tearDownModule():
    town.close()


def slug(problem):
    """What a problem is called; nothing of what is none."""
    return problem["type"].rpartition(":")[2] if "type" in problem else None


class Child:
    """A process that is ended and started again with the same arguments."""

    def __init__(self, *command):
        self.command = command
        self.start()

    def start(self):
        self.ready = town.start(*self.command)
        self.process = town.children[-1]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(WAIT)

    def stop(self):
        """Asks it to end; what it says last."""
        self.process.send_signal(signal.SIGINT)
        out, _ = self.process.communicate(timeout=WAIT)
        return json.loads(out.strip().splitlines()[-1])


class Paying(unittest.TestCase):
    def setUp(self):
        self.seller = Child(BIN / "purser-server", "seller", "--config", town.box / "seller.toml")
        self.mandate = town.quota("100.00")
        self.proxy = self.start_proxy(self.mandate)
        self.before = town.balance()

    def tearDown(self):
        for child in (self.proxy, self.seller):
            if child.process.poll() is None:
                child.kill()

    def start_proxy(self, mandate, *more):
        return Child(
            BIN / "purser", "--dir", town.home, "--json", "proxy", "--mandate", mandate, "--seller",
            self.seller.ready["url"], "--max", "10.00 CNY", "--listen", "127.0.0.1:0", "--key", "a key of ours", *more,
        )

    def client(self, key="a key of ours"):
        return openai.OpenAI(base_url=self.proxy.ready["base_url"], api_key=key, timeout=WAIT, max_retries=0)

    def ask(self, tokens, prompt=PROMPT, stream=False):
        return self.client().chat.completions.create(
            model="purser-echo-1", messages=[{"role": "user", "content": prompt}], max_tokens=tokens, stream=stream
        )

    def words(self, tokens, prompt=PROMPT, at=lambda count: None):
        """The tokens of a stream, as they come."""
        words = []
        for chunk in self.ask(tokens, prompt, stream=True):
            if chunk.choices and chunk.choices[0].delta.content:
                words.append(chunk.choices[0].delta.content)
                at(len(words))
        return words

    def close(self):
        """Ends the proxy's session, and compares what the three say. The cost, and what was counted."""
        said = self.proxy.stop()
        self.assertEqual((said["state"], said["wrong"]), ("settled", []), said)
        claimed, released = int(said["claimed_minor"]), int(said["released_minor"])
        attempts = [json.loads(path.read_text()) for path in (town.home / "attempts" / "over").iterdir()]
        offers = {path.name: path.read_text() for path in (town.home / "attempts" / "offers").iterdir()}
        kept = json.loads((town.home / "attempts" / "over" / f"{offers[said['session']]}.json").read_text())
        self.assertIn(kept, attempts)
        request = urllib.request.Request(
            f"{self.seller.ready['url']}/v1/sessions/{said['session']}",
            headers={"authorization": f"Bearer {kept['secret']}"},
        )
        context = ssl.create_default_context(cafile=str(town.box / "roots.pem"))
        with urllib.request.urlopen(request, context=context, timeout=WAIT) as answer:
            seller = json.load(answer)
        self.assertEqual(seller["state"], "closed")
        counted = (seller["input_tokens"], seller["output_tokens"])
        self.assertEqual(counted, (said["input_tokens"], said["output_tokens"]), "seller and agent counted otherwise")
        paid = self.before - town.balance()
        self.assertEqual((paid, int(seller["cost_minor"])), (claimed, claimed), "the three ledgers differ")
        self.assertGreaterEqual(released, claimed)
        self.assertLessEqual(released, claimed + 25, "more was released than the offer lets links be ahead")
        audit = run(BIN / "purser-server", "audit", "--config", town.box / "issuer.toml")
        self.assertEqual(audit["verdict"], "good", audit)
        listed = town.purser("token", "session", "list")["sessions"]
        self.assertEqual([one["state"] for one in listed if one["session"] == said["session"]], ["settled"])
        return claimed, counted

    def test_a_client_that_knows_nothing_pays(self):
        quote = town.purser("token", "quote", "--seller", self.seller.ready["url"], "--max", "10.00 CNY")
        self.assertEqual((quote["merchant"], quote["per"], quote["ahead_minor"]), ("model.example", PER, "25"))
        self.assertEqual([model.id for model in self.client().models.list()], ["purser-echo-1"])
        self.assertEqual(town.balance(), self.before, "looking costs nothing")
        words = self.words(300)
        self.assertEqual(len(words), 300)
        whole = self.ask(300)
        self.assertEqual(whole.choices[0].message.content, "".join(words))
        self.assertEqual(whole.usage.completion_tokens, 300)
        cost, (read, written) = self.close()
        self.assertEqual((read, written), (2 * whole.usage.prompt_tokens, 600))
        self.assertEqual(cost, -(-(read * INPUT + written * OUTPUT) // PER))

    def test_a_seller_that_is_killed_in_mid_stream_charges_nothing_twice(self):
        kills = []

        def at(count):
            if count in (1, 700, 701, 4000):
                kills.append(count)
                self.seller.kill()
                self.seller.start()

        words = self.words(6000, at=at)
        self.assertEqual((len(words), len(kills)), (6000, 4))
        # The same question in a session that nobody disturbs has the same answer.
        self.assertEqual(self.ask(6000).choices[0].message.content, "".join(words))
        cost, (read, written) = self.close()
        self.assertEqual(written, 12_000)
        self.assertEqual(cost, -(-(read * INPUT + written * OUTPUT) // PER))

    def test_an_agent_that_is_killed_in_mid_stream_pays_nothing_twice(self):
        class Enough(Exception):
            pass

        def at(count):
            if count == 1500:
                self.proxy.kill()
                raise Enough

        with self.assertRaises(Enough):
            self.words(30_000, at=at)
        self.proxy = self.start_proxy(self.mandate)
        # The same question again goes on with what was paid for.
        self.assertEqual(len(self.words(30_000)), 30_000)
        cost, (read, written) = self.close()
        self.assertEqual(written, 30_000)
        self.assertEqual(cost, -(-(read * INPUT + written * OUTPUT) // PER))

    def test_what_was_paid_for_and_never_read_is_seen_at_the_end(self):
        for count, _ in enumerate(self.ask(2000, stream=True)):
            if count == 100:
                break
        self.close()

    def test_a_task_outlives_its_first_hold(self):
        words = self.words(80_000)
        self.assertEqual(len(words), 80_000)
        cost, (_, written) = self.close()
        self.assertEqual(written, 80_000)
        # Each hold's part is rounded by itself.
        self.assertIn(cost, (1200, 1201, 1202))

    def test_a_session_rests_while_the_agent_wants_it_to(self):
        def at(count):
            if count != 1_000:
                return
            # Packs of other tests are open too: the session is what was written to last.
            known = [path for path in (town.home / "tokens").iterdir() if self.secret(path.name)]
            session = max(known, key=lambda path: (path / "journal").stat().st_mtime_ns).name
            bearer = {"authorization": f"Bearer {self.secret(session)}"}
            url = f"{self.seller.ready['url']}/v1/sessions/{session}"
            rested = self.http(f"{url}/pause", b"", bearer)
            self.assertEqual(rested[1].get("state"), "paused", rested)
            counted = [self.http(url, None, bearer)[1]["output_tokens"] for _ in range(3)]
            self.assertEqual(len(set(counted)), 1, "something was counted while it rested")
            self.assertEqual(self.http(f"{url}/resume", b"", bearer)[1]["state"], "open")

        self.assertEqual(len(self.words(30_000, at=at)), 30_000)
        cost, (read, written) = self.close()
        self.assertEqual(cost, -(-(read * INPUT + written * OUTPUT) // PER))

    def secret(self, offer):
        """The secret of the payment for an offer, if there is one."""
        attempts = town.home / "attempts"
        path = attempts / "offers" / offer
        kept = [folder / f"{path.read_text()}.json" for folder in (attempts / "over", attempts)] if path.exists() else []
        return next((json.loads(path.read_text())["secret"] for path in kept if path.exists()), None)

    def token(self, *arguments, code=0):
        where = ("--seller", self.seller.ready["url"], "--max", "10.00 CNY", "--mandate", self.mandate, "--plan", "basic")
        return town.purser("token", *arguments, *where, code=code)

    def test_packs_are_refilled_in_mid_stream_and_their_rest_goes_back(self):
        self.proxy.kill()
        self.proxy = self.start_proxy(self.mandate, "--plan", "basic")

        def at(count):
            if count in (5_000, 25_000):
                self.seller.kill()
                self.seller.start()

        # Two packs of 20,000 units, and most of a third.
        self.assertEqual(len(self.words(50_000, at=at)), 50_000)
        self.assertEqual(town.balance(), self.before - 3 * 250)
        said = self.proxy.stop()
        pack, seen = said["pack"], said["input_tokens"] + said["output_tokens"]
        self.assertEqual((pack["input_tokens"], pack["output_tokens"]), (said["input_tokens"], 50_000))
        self.assertEqual(pack["remaining"], 60_000 - seen)
        self.assertEqual([one["plan"] for one in pack["purchases"]], ["basic/1"] * 3)
        self.assertEqual(town.purser("token", "balance", said["session"])["pack"], pack)
        back = town.purser("token", "refund", said["session"])
        self.assertEqual((back["remaining"], back["refunds_open"]), (0, 0))
        self.assertEqual(town.balance(), self.before - 3 * 250 + 250 * (60_000 - seen) // 20_000)

    def test_a_coupon_is_taken_once(self):
        self.assertEqual(self.token("redeem", "NOBODY", code=1)["error"]["code"], "coupon-refused")
        bought = self.token("redeem", "WELCOME")
        self.assertEqual(bought["pack"]["remaining"], 20_000)
        self.assertEqual(town.balance(), self.before - 200)
        self.assertEqual(self.token("redeem", "WELCOME", code=1)["error"]["code"], "coupon-used")
        self.assertEqual(town.balance(), self.before - 200)
        self.token("buy")
        self.assertEqual(town.balance(), self.before - 450)

    def test_two_sellers_on_one_store_take_a_coupon_as_often_as_it_may(self):
        settings = (town.box / "seller.toml").read_text()
        anywhere = re.sub(r"listen = .*\nurl = .*\n", 'listen = "127.0.0.1:0"\n', settings, count=1)
        (town.box / "twin.toml").write_text(anywhere)
        twin = Child(BIN / "purser-server", "seller", "--config", town.box / "twin.toml")
        self.addCleanup(twin.kill)
        sellers = [self.seller.ready["url"], twin.ready["url"]]

        def ask(number):
            status, told = self.http(f"{sellers[number % 2]}/v1/packs/basic", b"", {"purser-coupon": "PAIR"})
            return status, slug(told)

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, range(24)))
        self.assertEqual(sorted(answers, key=str), [(402, None)] * 2 + [(409, "coupon-used")] * 22)

    def http(self, url, body=None, headers={}):
        """Status and JSON of an answer; nothing of one that is no JSON."""
        request = urllib.request.Request(url, data=body, headers=headers)
        context = ssl.create_default_context(cafile=str(town.box / "roots.pem"))
        try:
            answer = urllib.request.urlopen(request, context=context, timeout=WAIT)
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            told = answer.read()
            return answer.status, json.loads(told) if "json" in answer.headers["content-type"] else {}

    def subscribe(self, *more):
        where = ("--seller", self.seller.ready["url"], "--plan", "monthly", "--zone", "Asia/Shanghai")
        return town.purser("token", "subscribe", *where, *more)

    def test_a_subscription_pays_for_a_client_that_knows_nothing(self):
        self.proxy.kill()
        sold = self.subscribe("--no-trial")
        told = sold["subscription"]
        self.assertEqual((told["state"], told["term"], told["remaining"]), ("paid", 1, 50_000))
        self.assertIn("each term of one month counted from", sold["rendering"])
        self.assertEqual(town.balance(), self.before - 300, "the first month costs less")
        self.proxy = self.start_proxy(sold["mandate"])

        def at(count):
            if count in (1, 2_000):
                self.seller.kill()
                self.seller.start()

        self.assertEqual(len(self.words(5_000, at=at)), 5_000)
        said = self.proxy.stop()
        seen = said["input_tokens"] + said["output_tokens"]
        self.assertEqual((said["output_tokens"], said["subscription"]["remaining"]), (5_000, 50_000 - seen))
        self.assertEqual([one["paid_minor"] for one in said["subscription"]["purchases"]], ["300"])
        self.assertEqual(town.balance(), self.before - 300, "a month is paid once")
        # Nobody else has it, and nobody has its mandate for another.
        url = f"{self.seller.ready['url']}/v1/subscriptions"
        self.assertEqual(self.http(f"{url}/{sold['mandate']}")[0], 404)
        other = {"plan": "monthly", "issuer": "issuer.example", "mandate": sold["mandate"], "zone": "UTC",
                 "unit": "month", "anchor": int(time.time()), "secret_hash": "A" * 43}
        for changed, refused in (({}, (409, "mandate-taken")), ({"unit": "year"}, (403, "plan-mismatch")),
                                 ({"anchor": other["anchor"] + 40 * 86_400}, (403, "plan-mismatch")),
                                 ({"mandate": "00" * 32}, (403, "mandate-unknown"))):
            body = json.dumps(other | changed).encode()
            status, told = self.http(url, body, {"content-type": "application/json"})
            self.assertEqual((status, slug(told)), refused, changed)

    def test_a_trial_is_free_and_ends_with_its_units(self):
        self.proxy.kill()
        sold = self.subscribe()
        self.assertEqual((sold["subscription"]["state"], sold["subscription"]["remaining"]), ("trial", 1_000))
        self.proxy = self.start_proxy(sold["mandate"])
        self.assertEqual(len(self.words(500)), 500)
        with self.assertRaises(openai.APIError):
            self.words(5_000)
        self.assertEqual(self.proxy.stop()["subscription"]["remaining"], 0)
        self.assertEqual(town.balance(), self.before)
        town.purser("mandate", "revoke", sold["mandate"])

    def test_several_streams_share_a_session(self):
        prompts = [f"{PROMPT} {number}" for number in range(6)]
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            lengths = list(pool.map(lambda prompt: len(self.words(800, prompt)), prompts))
        self.assertEqual(lengths, [800] * 6)
        _, (_, written) = self.close()
        self.assertEqual(written, 4800)

    def test_who_has_no_key_or_no_mandate_gets_nothing(self):
        with self.assertRaises(openai.AuthenticationError):
            self.client("another key").models.list()
        self.proxy.kill()
        self.proxy = self.start_proxy(town.quota("1.00"))
        with self.assertRaises(openai.APIStatusError) as refused:
            self.ask(10)
        self.assertEqual(refused.exception.status_code, 402)
        self.assertEqual(town.balance(), self.before)


if __name__ == "__main__":
    unittest.main()
