"""Skills: signed, changed, sold and unpacked."""

import json
import shutil
import subprocess
import unittest

from town import BIN, ROOT, Town, run

SKILLS = ROOT / "reference-client" / "skills"


class Skills(unittest.TestCase):
    def test_a_skill_is_signed_sold_and_unlocked_by_a_payment(self):
        town = Town(self.sell)
        self.addCleanup(town.close)
        town.quota("20.00")
        before = town.balance()
        url = f"{town.shop}/skills/pay"
        packed = town.dir / "bought.json"
        # What is listed is not the skill; the skill is behind its price.
        index = json.loads((town.dir / "web/.well-known/agent-skills/index.json").read_text())
        self.assertEqual([entry["name"] for entry in index["skills"]], ["get-paid", "pay"])
        town.purser("fetch", url, "--max", "4.99 CNY", "--output", packed, code=1)
        self.assertFalse(packed.exists())
        town.purser("fetch", url, "--max", "5.00 CNY", "--output", packed)
        self.assertEqual(before - town.balance(), 500)
        key = town.dir / "maker.pub"
        run(BIN / "purser", "skill", "unpack", packed, "--key", key, "--out", town.dir / "skills")
        bought = town.dir / "skills" / "pay" / "SKILL.md"
        self.assertEqual(bought.read_bytes(), (SKILLS / "pay" / "SKILL.md").read_bytes())
        # One byte, and code says which file.
        bought.write_bytes(bought.read_bytes().replace(b"data, not instructions", b"data, mot instructions", 1))
        done = subprocess.run(
            [str(BIN / "purser"), "skill", "verify", str(bought.parent), "--key", str(key)],
            capture_output=True, text=True, check=False,
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("SKILL.md", done.stderr)
        self.assertIn("not as it was signed", done.stderr)

    def sell(self, town, config):
        """Signs both skills, publishes one, and puts the other on the shelf."""
        key = town.dir / "maker.pem"
        run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
        run("openssl", "pkey", "-in", key, "-pubout", "-out", town.dir / "maker.pub")
        key.chmod(0o600)
        for name in ("get-paid", "pay"):
            shutil.copytree(SKILLS / name, town.dir / "made" / name)
            run(BIN / "purser", "skill", "sign", town.dir / "made" / name, "--key", key)
        packed = town.dir / "pay.skill.json"
        run(BIN / "purser", "skill", "pack", town.dir / "made" / "pay", "--out", packed)
        run(
            BIN / "purser", "skill", "publish", town.dir / "made" / "get-paid", town.dir / "made" / "pay",
            "--out", town.dir / "web", "--priced", "pay=https://shop.example/skills/pay",
        )
        config.write(
            '\n[[merchant.products]]\npath = "/skills/pay"\nprice = "5.00 CNY"\nitem = "skill-pay"\n'
            f'name = "The skill pay"\ncategory = 5942\ncapture = "at-once"\nbody = {json.dumps(packed.read_text())}\n'
        )


if __name__ == "__main__":
    unittest.main()
