// Another browser, another language, a phone, a keyboard, the end.

import { Person, equal, holds } from "./person.mjs";

const VIEWS = ["agents", "mandates", "approvals", "records", "spending", "tokens", "devices", "funds", "keys", "create"];

async function visit(person, view) {
  await person.page.evaluate((view) => {
    location.hash = `#/${view}`;
  }, view);
  await person.sees("h1");
}

async function narrow(person) {
  const { width, room } = await person.page.evaluate(() => ({ width: document.documentElement.scrollWidth, room: window.innerWidth }));
  return width <= room;
}

export const steps = [
  ["by the keyboard alone: a mandate is written and signed", async (person) => {
    await visit(person, "agents");
    await person.page.reload();
    await person.sees("h1");
    await person.tabTo("#skip");
    await person.press("Enter");
    equal(await person.page.evaluate(() => document.activeElement.id), "main", "what has the focus behind the link");
    await person.tabTo('a[href="#/create"]');
    await person.press("Enter");
    await person.sees('h1:has-text("New mandate")');
    equal(await person.page.evaluate(() => document.activeElement.localName), "h1", "what has the focus in a new view");
    await person.tabTo("#caps-total");
    await person.page.keyboard.type("50");
    await person.tabTo("#caps-most");
    await person.page.keyboard.type("12x");
    await person.tabTo("#review");
    await person.press("Enter");
    await person.sees(".note.bad.said");
    equal(await person.page.evaluate(() => [document.activeElement.id, document.activeElement.getAttribute("aria-invalid")]),
      ["caps-most", "true"], "what is wrong has the focus");
    await person.press("Backspace");
    await person.tabTo("#review");
    await person.press("Enter");
    await person.sees('h1:has-text("Sign this mandate?")');
    await person.tabTo("#sign");
    await person.press("Enter");
    await person.sees(".state.active");
    equal(await person.page.evaluate(() => document.getElementById("live").textContent), "The mandate is signed and in force.", "what is said aloud");
  }],

  ["another browser is let in by the code that it shows", async (person, world) => {
    const other = await new Person(world).begin("other");
    try {
      await other.click("#join");
      await other.sees("#code");
      await other.picture("start-code");
      const code = await other.page.locator("#code").inputValue();
      await other.click("#joined");
      await other.sees(".note.bad.said");
      await person.go("Keys");
      await person.paste("#key-code", code);
      await person.click("#add-key");
      const figures = await person.reads("#key-figures");
      holds((await other.reads("#code-hint")).includes(figures), "both show the same figures");
      await person.picture("keys-add");
      await person.click("#sign");
      await person.sees('td:has-text("elsewhere")');
      await person.picture("keys");
      await person.accessible("keys");
      await other.click("#joined");
      await other.sees('h1:has-text("Agents")');
      await other.go("Mandates");
      await other.sees(".state.active");
      other.noComplaints();
      await person.go("Keys");
      await person.page.reload();
      await person.click("tbody button");
      await person.click("#sign");
      await person.page.locator('td:has-text("elsewhere")').waitFor({ state: "detached" });
      await other.page.reload();
      await other.sees("#forget");
    } finally {
      await other.end();
    }
  }],

  ["in both languages, on a phone, in the dark, every view fits and passes", async (person) => {
    await person.page.setViewportSize({ width: 360, height: 740 });
    for (const [language, scheme] of [["English", "light"], ["中文", "light"], ["中文", "dark"]]) {
      await person.click(`button:has-text("${language}")`);
      await person.sees(`nav a:has-text("${language === "English" ? "Mandates" : "授权"}")`);
      await person.page.emulateMedia({ colorScheme: scheme });
      for (const view of VIEWS) {
        await visit(person, view);
        await person.page.waitForFunction((view) => document.querySelector(`a[href="#/${view === "create" ? "mandates" : view}"]`)?.hasAttribute("aria-current"), view);
        holds(await narrow(person), `${view}, ${language}, is wider than a phone`);
        await person.accessible(`${view}, ${language}, ${scheme}`);
        await person.picture(`phone-${language === "English" ? "en" : "zh"}-${scheme}-${view}`);
      }
    }
    equal(await person.page.evaluate(() => document.documentElement.lang), "zh-Hans", "the language that is said");
    await person.click('button:has-text("English")');
    await person.page.emulateMedia({ colorScheme: null });
    await person.page.setViewportSize({ width: 1100, height: 900 });
  }],

  ["the key is forgotten, and with it everything", async (person) => {
    await person.go("Keys");
    await person.click("#leave");
    await person.click("#sign");
    await person.sees("#open");
    await person.page.reload();
    await person.sees("#open");
    equal(await person.count("nav"), 0, "views of the account");
  }],
];
