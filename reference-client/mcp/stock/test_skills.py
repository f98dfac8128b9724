"""Skills: signed, changed, sold and unpacked."""

import hashlib
import json
import pathlib
import shutil
import subprocess
import unittest

from town import BIN, ROOT, Town, run

SKILLS = ROOT / "reference-client" / "skills"


def digest(path):
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


class Skills(unittest.TestCase):
    def test_a_skill_is_signed_sold_and_unlocked_by_a_payment(self):
        town = Town(self.sell)
        self.addCleanup(town.close)
        town.quota("20.00")
        before = town.balance()
        url = f"{town.shop}/skills/pay"
        packed = town.dir / "bought.json"
        # The index is served; what it lists is not the skill, which is behind its price.
        folder = f"{town.shop}/.well-known/agent-skills"
        town.purser("fetch", f"{folder}/index.json", "--max", "0.01 CNY", "--output", town.dir / "index.json")
        index = json.loads((town.dir / "index.json").read_text())
        self.assertEqual([entry["name"] for entry in index["skills"]], ["get-paid", "pay"])
        free, sold = index["skills"]
        self.assertEqual(sold["url"], "https://shop.example/skills/pay")
        key = town.dir / "maker.pub"
        for name in ("SKILL.md", "bundle.skill.json"):
            town.purser("fetch", f"{folder}/get-paid/{name}", "--max", "0.01 CNY", "--output", town.dir / name)
        self.assertEqual(free["digest"], digest(town.dir / "SKILL.md"))
        run(BIN / "purser", "skill", "unpack", town.dir / "bundle.skill.json", "--key", key, "--out", town.dir / "skills")
        for name in ("pay/SKILL.md", "pay/bundle.skill.json"):
            town.purser("fetch", f"{folder}/{name}", "--max", "0.01 CNY", "--output", packed, code=1)
            self.assertFalse(packed.exists())
        self.assertEqual(town.balance(), before)
        town.purser("fetch", url, "--max", "4.99 CNY", "--output", packed, code=1)
        self.assertFalse(packed.exists())
        town.purser("fetch", url, "--max", "5.00 CNY", "--output", packed)
        self.assertEqual(before - town.balance(), 500)
        self.assertEqual(sold["digest"], digest(packed), "what was sold is what was listed")
        changed = town.dir / "changed.json"
        bundle = packed.read_bytes()
        at = bundle.index(b"SKILL.md") + len(b'SKILL.md":"') + 40
        changed.write_bytes(bundle[:at] + (b"B" if bundle[at:at + 1] == b"A" else b"A") + bundle[at + 1:])
        run(BIN / "purser", "skill", "unpack", changed, "--key", key, "--out", town.dir / "skills", code=1)
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
        config.flush()
        settings = pathlib.Path(config.name)
        settings.write_text(settings.read_text().replace("[merchant]\n", f'[merchant]\nskills = "{town.dir}/web"\n', 1))
        config.write(
            '\n[[merchant.products]]\npath = "/skills/pay"\nprice = "5.00 CNY"\nitem = "skill-pay"\n'
            f'name = "The skill pay"\ncategory = 5942\ncapture = "at-once"\nbody = {json.dumps(packed.read_text())}\n'
        )


if __name__ == "__main__":
    unittest.main()
