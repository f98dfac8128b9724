// What a reader of the screen has of the page: a name for every control, landmarks, headings in order, drawings in words.
// And the page by the keyboard alone where money is at stake.

import { equal, holds } from "./person.mjs";

const VIEWS = ["agents", "mandates", "create", "approvals", "records", "spending", "tokens", "devices", "funds", "keys"];
const NAMED = new Set(["button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "region", "navigation",
  "table", "image", "img", "group", "DisclosureTriangle", "dialog", "spinbutton", "Date", "InputTime"]);

/** The page as the browser gives it to assistive programs. */
async function told(person) {
  const session = await person.tools();
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  return nodes.filter(({ ignored }) => !ignored)
    .map(({ role, name, properties = [] }) => ({ role: role.value, name: (name?.value ?? "").trim(), level: properties.find(({ name }) => name === "level")?.value.value }));
}

async function inLanguage(person, language, words) {
  await person.click(`button:has-text("${language}")`);
  for (const view of VIEWS) {
    await person.page.evaluate((view) => { location.hash = `#/${view}`; }, view);
    // The heading is the link's text, but over the form of a new mandate.
    await person.page.waitForFunction((view) => {
      const link = document.querySelector(`nav a[href="#/${view === "create" ? "mandates" : view}"]`);
      const heading = document.querySelector("h1")?.textContent;
      return view === "create" ? document.getElementById("review") : link?.hasAttribute("aria-current") && heading === link.firstChild.textContent;
    }, view);
    const nodes = await told(person);
    const nameless = nodes.filter(({ role, name }) => NAMED.has(role) && !name).map(({ role }) => role);
    // A group without a name says nothing; those that are fieldsets have a legend.
    equal(nameless.filter((role) => role !== "group"), [], `${view}, ${language}: what has no name`);
    for (const landmark of ["banner", "main", "navigation", "contentinfo"]) {
      equal(nodes.filter(({ role }) => role === landmark).length, 1, `${view}, ${language}: ${landmark}`);
    }
    const levels = nodes.filter(({ role }) => role === "heading").map(({ level }) => level);
    equal(levels.filter((level) => level === 1).length, 1, `${view}, ${language}: headings of the first level`);
    holds(levels.every((level, at) => at === 0 || level <= levels[at - 1] + 1), `${view}, ${language}: no level is left out: ${levels}`);
    const title = await person.page.title();
    holds(title.includes(nodes.find(({ role, level }) => role === "heading" && level === 1).name), `${view}, ${language}: the title of the window is ${title}`);
    if (view === "spending") holds(nodes.some(({ role, name }) => /^(image|img|graphics-document)$/i.test(role) && name.includes(words.chart)), `${language}: the drawing is named`);
    if (view === "agents") holds(nodes.some(({ role, name }) => role === "checkbox" && name.includes("Courier")), `${language}: a box says whose it is`);
    equal(await person.page.evaluate(() => document.documentElement.lang), words.lang, `${language}: the language that is said`);
  }
}

/** A payment that waits. What became of an earlier one is told once, before a new one is begun. */
async function waiting(world, path) {
  let asked = await world.fetch("shopper", path);
  if (asked.code === 1) asked = await world.fetch("shopper", path);
  equal(asked.code, 3, `what the agent was told: ${asked.stdout}`);
  return asked.said.payment.approval.user_code;
}

export const steps = [
  ["a reader of the screen has a name for everything, in both languages", async (person) => {
    await inLanguage(person, "中文", { lang: "zh-Hans", chart: "智能体" });
    await inLanguage(person, "English", { lang: "en", chart: "agent" });
  }],

  ["by the keyboard alone: a payment is approved, another refused, and the mandate revoked", async (person, world) => {
    await person.page.evaluate(() => { location.hash = "#/approvals"; });
    await person.sees('p:has-text("Nothing waits for you.")');
    const yes = await waiting(world, "/taxi");
    await person.sees(`#approve-${yes}:not(:disabled)`);
    await person.tabTo(`#approve-${yes}`);
    await person.press("Enter");
    await person.sees('p:has-text("Nothing waits for you.")');
    equal((await world.fetch("shopper", "/taxi")).said.payment?.state, "settled", "after the yes");
    const no = await waiting(world, "/book");
    await person.sees(`#refuse-${no}:not(:disabled)`);
    await person.tabTo(`#refuse-${no}`);
    await person.press("Space");
    await person.sees('p:has-text("Nothing waits for you.")');
    holds((await world.fetch("shopper", "/book")).code !== 0, "nothing is paid after a no");
    await person.tabTo('nav a[href="#/agents"]');
    await person.press("Enter");
    await person.sees('h1:has-text("Agents")');
    const box = await person.page.locator('.card:has-text("Reader") input[type="checkbox"]').first().getAttribute("id");
    await person.tabTo(`#${box}`);
    await person.press("Space");
    await person.tabTo("#batch-revoke");
    await person.press("Enter");
    await person.sees('h1:has-text("Revoke mandates")');
    await person.tabTo("#sign");
    await person.press("Enter");
    await person.sees('h1:has-text("Agents")');
    equal(await person.count('.card:has-text("Reader") .state.active'), 0, "what the agent may still use");
  }],
];
