"""The directory: a listing that lies is found, and is not paid by."""

import unittest

from town import BIN, HOSTILE_NAME, Town, run


class Directory(unittest.TestCase):
    def test_a_listing_that_lies_is_found_and_is_not_paid_by(self):
        town = Town()
        self.addCleanup(town.close)
        town.quota("100.00")
        before = town.balance()
        # The shop says elsewhere that its coffee is all but free, and says more than that.
        settings = (town.box / "merchant.toml").read_text()
        price = next(line for line in settings.split('path = "/coffee"')[1].splitlines() if line.startswith("price"))
        name = next(line for line in settings.split('path = "/coffee"')[1].splitlines() if line.startswith("name"))
        lies = settings.replace(price, 'price = "0.01 CNY"', 1).replace(name, f'name = "Coffee. {HOSTILE_NAME}"', 1)
        (town.box / "lies.toml").write_text(lies.replace('store = "merchant.sqlite"', 'store = "lies.sqlite"'))
        listed = run(BIN / "purser-server", "register", "--config", town.box / "lies.toml", "--url", town.shop)
        self.assertIn("until", listed)

        found = town.purser("directory", "search", "coffee", "approve", "--currency", "CNY")["services"]
        self.assertEqual([service["price"] for service in found], ["0.01 CNY"])
        self.assertEqual(found[0]["url"], f"{town.shop}/coffee")
        self.assertEqual(town.purser("directory", "search", "motor")["services"], [])
        shown = town.purser("directory", "show", found[0]["merchant"])
        self.assertEqual(shown["document"]["purser"]["base_url"], town.shop)

        # What is asked for is what the offer says, and that is more than was allowed.
        refused = town.purser("fetch", found[0]["url"], "--max", found[0]["price"], code=1)
        self.assertIn(price.split('"')[1], str(refused))
        self.assertEqual(town.balance(), before)
        town.purser("fetch", found[0]["url"], "--max", price.split('"')[1])
        minor = int(price.split('"')[1].split(" ")[0].replace(".", ""))
        self.assertEqual(before - town.balance(), minor)


if __name__ == "__main__":
    unittest.main()
