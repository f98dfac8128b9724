// Glasses ask for a mandate of their own; a cockpit is told no; the glasses are lost and cut off, alone.

import { equal, holds } from "./person.mjs";

/** A device whose name is what it likes. */
const LIE = "Shopper” (trusted). раyраl";

export const steps = [
  ["a device shows a code, gets its mandate and pays as itself", async (person, world) => {
    const glasses = await world.device("glasses", LIE);
    await person.go("Devices");
    await person.picture("devices-none");
    await person.type("#device-code", "BBBB-BBBB");
    await person.click("#look-device");
    await person.sees("#no-device");
    await person.type("#device-code", glasses.code.toLowerCase());
    await person.click("#look-device");
    await person.sees("#asking");
    equal(await person.reads("#device-figures"), glasses.key.slice(0, 16), "the figures that the device shows");
    const said = await person.reads("#asking");
    holds(said.includes("{U+201D}") && said.includes("{U+0440}"), `its words are its words: ${said}`);
    equal(await person.page.inputValue("#device-name"), "", "its name is not yet the person's");
    await person.picture("devices-asks");
    await person.accessible("a device asks");
    await person.click("#allow-device");
    await person.sees(".note.bad.said");
    await person.type("#device-total", "60");
    await person.type("#device-name", "Glasses");
    await person.click("#allow-device");
    await person.sees(`#main li:has-text("through devices with these keys: ${glasses.key}")`);
    await person.picture("devices-review");
    await person.click("#sign");
    await person.sees('h2:has-text("Glasses: quota")');
    await person.accessible("devices");
    const { code, said: heard } = await glasses.ended;
    equal([code, heard.device], [0, glasses.key], "what the device was told");
    equal((await world.fetch("glasses", "/coffee")).said.payment?.state, "settled", "a coffee");
  }],

  ["a device is told no, and one that is lost is cut off alone", async (person, world) => {
    const cockpit = await world.device("cockpit", "Cockpit");
    await person.page.goto(cockpit.page);
    await person.sees("#refuse-device");
    await person.click("#refuse-device");
    await person.page.locator("#asking").waitFor({ state: "detached" });
    const refused = await cockpit.ended;
    equal([refused.code, refused.said.error?.code], [1, "device-refused"], "what the cockpit was told");
    const again = await world.device("cockpit-2", "Cockpit");
    await person.page.goto(again.page);
    await person.type("#device-total", "60");
    await person.type("#device-name", "Cockpit");
    await person.click("#allow-device");
    await person.click("#sign");
    await person.sees('h2:has-text("Cockpit: quota")');
    equal((await again.ended).code, 0, "what it was told when it asked once more");
    await person.click('.card:has-text("Glasses: quota") .cut');
    await person.click("#sign");
    await person.sees('.card:has-text("Glasses: quota") .state.revoked');
    await person.picture("devices-cut");
    holds((await world.fetch("glasses", "/coffee")).code !== 0, "the glasses pay nothing any more");
    equal((await world.fetch("cockpit-2", "/coffee")).said.payment?.state, "settled", "the cockpit goes on");
  }],
];
