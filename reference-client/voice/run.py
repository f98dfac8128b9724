"""A yes that is said, and all that is none: the demo's issuer and shop, the command line, and machines that speak and listen.

Nothing here judges what is said: the command line does, by what its recogniser understood.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
HEAR = ROOT / "reference-client/voice/hear"
PATIENCE = 120


class Scene:
    """The servers of `cargo demo --keep`, and a person and an agent in its folder."""

    def __init__(self, scratch):
        self.scratch = Path(scratch)
        # A person at work has no tools of the tests; the demo's row for them is skipped.
        bare = {name: value for name, value in os.environ.items() if name != "PURSER_REQUIRE_ALL"}
        self.demo = subprocess.Popen(
            [PROGRAMS / "purser-demo", "--keep", "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**bare, "TMPDIR": scratch})
        self.report = json.loads(self.demo.stdout.readline())
        self.mandate = self.good("mandate", "new", "--mode", "quota", "--currency", "CNY", "--total", "400.00 CNY",
                                 "--ask-above", "10.00 CNY", "--yes")["mandate"]

    def end(self):
        self.demo.send_signal(signal.SIGINT)
        self.demo.wait(PATIENCE)

    def run(self, *words):
        """What the command line answered, how it ended, and what it said to eyes."""
        done = subprocess.run([PROGRAMS / "purser", "--dir", Path(self.report["dir"]) / "home", "--json", *map(str, words)],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        return json.loads(done.stdout), done.returncode, done.stderr

    def good(self, *words):
        answer, code, said = self.run(*words)
        check(code == 0, f"{words}: {answer} {said}")
        return answer

    def asks(self, path):
        """An agent asks for something that its person must confirm: the short code, and the phrase that is asked for."""
        answer, code, _ = self.run("fetch", self.report["merchant"] + path, "--max", "200.00 CNY", "--mandate", self.mandate)
        check(code == 3, f"it waits for the person: {answer}")
        payment = answer["payment"]["approval"]["user_code"]
        _, _, said = self.run("confirm", "approve", payment, "--how", "voice", "--heard", "what?", "--yes")
        return payment, re.search(r"To agree, say: (.*)\.", said).group(1)

    def says(self, name, phrase, voice="rms", more=()):
        """The person says something; the recording."""
        raw, file = self.scratch / "raw.wav", self.scratch / f"{name}.wav"
        subprocess.run(["flite", "-voice", voice, "--setf", "duration_stretch=1.1", "-t", phrase, "-o", raw], check=True)
        subprocess.run(["sox", raw, "--rate", "16000", "--bits", "16", "--channels", "1", file, *more], check=True)
        return file

    def approve(self, payment, recording):
        readback = self.scratch / "readback.wav"
        readback.unlink(missing_ok=True)
        answer, code, said = self.run(
            "confirm", "approve", payment, "--how", "voice", "--speak", f"espeak-ng -v en-us -w {readback} --stdin",
            "--listen", f"cat {recording}", "--recognise", HEAR)
        check(readback.stat().st_size > 100_000, "the text was read out, whole")
        return answer, code, said

    def refused(self, payment, recording, slug):
        answer, code, said = self.approve(payment, recording)
        check(code == 1 and answer["error"]["code"] == slug, f"refused as {slug}: {answer} {said}")


def check(fact, what):
    if not fact:
        raise AssertionError(what)


def a_yes_is_heard_and_paid(scene):
    payment, phrase = scene.asks("/coffee")
    answer, code, said = scene.approve(payment, scene.says("yes", phrase))
    check(code == 0, f"{answer} {said}")
    check(answer["receipt"]["outcome"] == "settled", answer)
    check(answer["heard"]["by"] == "recogniser" and answer["heard"]["transcript"] == phrase.lower(), answer)


def a_recording_of_it_is_no_yes_to_another(scene):
    payment, _ = scene.asks("/taxi")
    scene.refused(payment, scene.scratch / "yes.wav", "recording-replayed")
    # With silence before it, it is the same recording.
    padded = scene.scratch / "padded.wav"
    subprocess.run(["sox", scene.scratch / "yes.wav", padded, "pad", "0.7", "0.1"], check=True)
    scene.refused(payment, padded, "recording-replayed")
    # Taken up anew from a loudspeaker it is another recording, and still another phrase.
    louder = scene.scratch / "louder.wav"
    subprocess.run(["sox", "-v", "0.8", scene.scratch / "yes.wav", louder, "pad", "0.2", "0.2"], check=True)
    scene.refused(payment, louder, "phrase-mismatch")


def another_phrase_is_no_yes(scene):
    payment, phrase = scene.asks("/book")
    *words, last = phrase.split()
    other = " ".join([*words, "one" if last != "one" else "two"])
    scene.refused(payment, scene.says("other-figure", other), "phrase-mismatch")
    scene.refused(payment, scene.says("other-sum", re.sub("pay .* Chinese", "pay four Chinese", phrase)), "phrase-mismatch")
    scene.refused(payment, scene.says("no", "no, do not pay"), "phrase-mismatch")
    scene.refused(payment, scene.says("cut", phrase, more=("trim", "0", "1.5")), "phrase-mismatch")
    # The person may say it once more, and better.
    answer, code, said = scene.approve(payment, scene.says("at-last", phrase, voice="awb"))
    check(code == 0 and answer["receipt"]["outcome"] == "authorized", f"{answer} {said}")


def the_phrase_of_one_payment_is_none_of_another(scene):
    first, one = scene.asks("/report?on=tea")
    second, other = scene.asks("/report?on=rain")
    check(one != other, "the same thing at the same price has another phrase")
    scene.refused(second, scene.says("first", one), "phrase-mismatch")
    for payment in (first, second):
        check(scene.run("confirm", "refuse", payment, "--yes")[1] == 0, "both are given up")


def what_a_hand_typed_is_called_typed(scene):
    payment, phrase = scene.asks("/taxi?to=home")
    answer = scene.good("confirm", "approve", payment, "--how", "voice", "--heard", phrase, "--yes")
    check(answer["heard"]["by"] == "hand" and answer["heard"]["recording_bytes"] is None, answer)


def a_voice_makes_no_mandate_and_raises_none(scene):
    new = ["mandate", "new", "--mode", "quota", "--currency", "CNY", "--total", "9.00 CNY", "--how", "voice", "--yes"]
    raised = ["mandate", "replace", scene.mandate, "--total", "900.00 CNY", "--how", "voice", "--yes"]
    for words in (new, raised):
        answer, code, _ = scene.run(*words)
        check(code == 2 and answer["error"]["code"] == "voice-forbidden", answer)


STEPS = [
    a_yes_is_heard_and_paid, a_recording_of_it_is_no_yes_to_another, another_phrase_is_no_yes,
    the_phrase_of_one_payment_is_none_of_another, what_a_hand_typed_is_called_typed, a_voice_makes_no_mandate_and_raises_none,
]


def main():
    with tempfile.TemporaryDirectory(prefix="purser-voice-") as scratch:
        scene = Scene(scratch)
        try:
            for step in STEPS:
                step(scene)
                print(f"ok    {step.__name__.replace('_', ' ')}", flush=True)
        finally:
            scene.end()
    print(f"{len(STEPS)} passed, 0 failed")


if __name__ == "__main__":
    sys.exit(main())
