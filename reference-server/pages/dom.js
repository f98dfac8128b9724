// Elements. What goes into them is text, never markup: there is no way from a string to an element here.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes, listeners (`on…`), and children, which are nodes or become text. */
export function el(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same in a drawing. */
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

/** Puts children in the place of all that is there. */
export function fill(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter(stands).map(asNode));
  return node;
}

/** A labelled control, with what helps to fill it in. */
export function field(label, control, hint) {
  control.id ||= unique();
  const help = hint ? el("p", { class: "hint", id: `${control.id}-hint` }, hint) : null;
  if (help) control.setAttribute("aria-describedby", help.id);
  return el("div", { class: "field" }, el("label", { for: control.id }, label), control, help);
}

/** A control that is on or off, with its label behind it. */
export function tick(label, control, hint) {
  control.id ||= unique();
  const help = hint ? el("span", { class: "hint", id: `${control.id}-hint` }, hint) : null;
  if (help) control.setAttribute("aria-describedby", help.id);
  return el("div", { class: "tick" }, control, el("label", { for: control.id }, label), help);
}

/** A table with a caption and headings; cells that are `{ number }` stand to the right. */
export function table(caption, headings, rows) {
  const isNumber = (content) => content?.number !== undefined;
  const cell = (content, at) => {
    const attributes = { class: isNumber(content) ? "number" : "", "data-label": headings[at] };
    return el(at === 0 ? "th" : "td", at === 0 ? { ...attributes, scope: "row" } : attributes,
      isNumber(content) ? content.number : content);
  };
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {},
      el("caption", {}, caption),
      el("thead", {}, el("tr", {}, headings.map((heading, at) =>
        el("th", { scope: "col", class: isNumber(rows[0]?.[at]) ? "number" : "" }, heading)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map(cell))))));
}

let made = 0;
const unique = () => `field-${(made += 1)}`;
const stands = (child) => child !== null && child !== undefined && child !== false;
const asNode = (child) => (child instanceof Node ? child : document.createTextNode(String(child)));

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (stands(value) && !(name === "class" && value === "")) node.setAttribute(name, value);
  }
  return fill(node, ...children);
}
