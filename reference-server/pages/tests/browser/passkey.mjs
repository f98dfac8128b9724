// A passkey in front of the key, by an authenticator that the browser plays.

import { equal } from "./person.mjs";

const AUTHENTICATOR = {
  protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
  automaticPresenceSimulation: true,
};

export const steps = [
  ["a passkey guards the key: locked, nothing is seen and nothing signed before it is shown", async (person) => {
    const tools = await person.tools();
    await tools.send("WebAuthn.enable");
    const { authenticatorId } = await tools.send("WebAuthn.addVirtualAuthenticator", { options: AUTHENTICATOR });
    const verifies = (isUserVerified) => tools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified });
    await person.go("Keys");
    await person.click("#guard");
    await person.sees("#unlocked");
    await person.sees('.state:has-text("guarded")');
    await person.picture("keys-guarded");
    await person.accessible("keys, guarded");
    await person.page.reload();
    await person.sees("#unlocked");
    await person.click("#lock");
    await person.sees('h1:has-text("Locked")');
    equal(await person.count("nav"), 0, "views of the account");
    await person.picture("locked");
    await person.accessible("locked");
    await person.page.reload();
    await person.sees("#unlock");

    // The finger is not the person's.
    await verifies(false);
    await person.click("#unlock");
    await person.sees(".note.bad.said");
    await verifies(true);
    await person.click("#unlock");
    await person.sees('h1:has-text("Keys")');
    await person.go("Funds");
    await person.type("#deposit-amount", "1");
    await person.click("#deposit");
    await person.page.waitForFunction(() => document.getElementById("live").textContent === "The money is in.");

    // The quarter of an hour is over, here in two seconds.
    await person.page.evaluate(() => {
      const kept = JSON.parse(sessionStorage.getItem("unlocked"));
      sessionStorage.setItem("unlocked", JSON.stringify({ ...kept, expires_at: Math.floor(Date.now() / 1000) + 2 }));
    });
    await person.page.reload();
    await person.sees('h1:has-text("Locked")');
    await person.click("#unlock");
    await person.sees('h1:has-text("Funds")');
    await person.go("Keys");
    await person.click("#unguard");
    await person.page.locator("#unlocked").waitFor({ state: "detached" });
    await person.page.reload();
    await person.sees('h1:has-text("Keys")');
    equal(await person.count('.state:has-text("guarded")'), 0, "keys that are guarded");
    await tools.send("WebAuthn.disable");
  }],
];
