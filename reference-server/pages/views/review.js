// The last step of everything that is signed: the text of the very bytes, and the button that signs them.

import { el } from "../dom.js";
import { sign } from "../sign.js";

/** Shows what will be signed, in the place of a view. */
export function review(wallet, { title, before = [], text, texts = [], label, grave, work, to, done, back }) {
  const { t } = wallet;
  const main = document.getElementById("main");
  const heading = el("h1", { tabindex: "-1" }, title);
  const section = el("section", { class: "card", "aria-label": title },
    before,
    (text || texts.length > 0) && el("p", { class: "soft" }, t("review.text")), text && wallet.text(text),
    texts.map(({ title, text }) => [el("h2", {}, title), wallet.text(text)]),
    el("div", { class: "row" },
      el("button", { type: "button", id: "sign", class: grave ? "grave" : "first", onclick: ({ currentTarget: button }) =>
        wallet.change(button, work, { to, done }) }, label),
      el("button", { type: "button", id: "back", onclick: () => back() }, t("back"))));
  // What happens elsewhere does not take it away.
  wallet.touched = true;
  main.replaceChildren(heading, section);
  heading.focus();
  window.scrollTo(0, 0);
}

/** Registers a mandate whose bytes were shown. */
export async function register(wallet, bytes) {
  const paper = await sign(wallet.issuer.signer, "purser-mandate", bytes);
  await wallet.issuer.post("/v1/mandates", paper);
  return paper;
}
