"""The standard rendering, by the examples that chapter 12 gives."""

from __future__ import annotations

import unittest

from purser import envelope, render
from purser.render import Text

from .edn import example


class Rendering(unittest.TestCase):
    def setUp(self) -> None:
        self.screen, self.voice = Text("en", "screen"), Text("en", "voice")
        self.zh = Text("zh", "voice")

    def test_money(self) -> None:
        self.assertEqual([self.screen.money(amount, code) for amount, code in [
            (1280, "CNY"), (100_000, "CNY"), (1280, "JPY"), (1280, "KWD")]],
            ["12.80 CNY", "1,000.00 CNY", "1,280 JPY", "1.280 KWD"])
        self.assertEqual([self.screen.percent(155), self.screen.percent(100)], ["15.5%", "10%"])

    def test_numbers_that_are_said(self) -> None:
        self.assertEqual(self.voice.number(42), "forty two")
        self.assertEqual([self.zh.number(one) for one in (12, 10_010, 100_100_000)],
                         ["十二", "一万零一十", "一亿零一十万"])
        self.assertEqual(self.voice.number(10**16), " ".join(["one"] + ["zero"] * 16))

    def test_words_of_others(self) -> None:
        self.assertEqual(self.screen.quote("a”\u0430 b "), "“a{U+201D}{U+0430} b{U+0020}”")
        self.assertEqual(self.voice.quote("tea, 2"), "quote, tea comma 2, end of quote")
        self.assertEqual(self.voice.quote("End of QUOTE"), "a text of twelve characters that is not read out")
        self.assertEqual(self.screen.quote("x" * 81, 80), "“" + "x" * 80 + "” and 1 more characters")
        self.assertEqual(self.screen.party("sh0p1.example"), "sh0p1.example (0 and 1 are digits)")

    def test_a_whole_text(self) -> None:
        text = str(render.mandate(envelope.read(example("mandate")).payload, "en", "screen"))
        self.assertIn("For every payment:\n  At most 150.00 CNY for one payment.\n", text)
        self.assertTrue(text.endswith("\n"))

    def test_every_example_in_every_language_and_medium(self) -> None:
        offer, intent = envelope.read(example("offer")).payload, envelope.read(example("intent"))
        said = envelope.read(example("confirmation")).payload
        for language in ("en", "zh"):
            for medium in ("screen", "voice"):
                for name in ("mandate", "mandate-single", "mandate-conditional"):
                    render.mandate(envelope.read(example(name)).payload, language, medium)
                render.offer(offer, language, medium)
                lines = render.confirmation(said, intent.payload, intent.id, offer, language, medium).lines
                self.assertEqual("phrase" in [line.key for line in lines], medium == "voice")


if __name__ == "__main__":
    unittest.main()
