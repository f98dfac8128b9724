// Charts as drawings that need no colour: each bar has its name and its number beside it, and a table says the same.

import { el, svg, table } from "./dom.js";

const WIDTH = 640, ROW = 34, NAMES = 190, NUMBERS = 130;

/** Bars, with their table: rows of `{ name, minor }`, the numbers written by `money`. */
export function bars({ id, caption, headings, rows, money }) {
  const most = rows.reduce((most, { minor }) => (minor > most ? minor : most), 1n);
  const room = WIDTH - NAMES - NUMBERS;
  const height = rows.length * ROW + 8;
  const drawing = svg("svg", {
    class: "chart", viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-labelledby": `${id}-title`, focusable: "false",
  },
  svg("title", { id: `${id}-title` }, caption),
  svg("line", { class: "axis", x1: NAMES, x2: NAMES, y1: 0, y2: height }),
  rows.map(({ name, minor }, at) => {
    const length = Math.max(2, Number((minor * BigInt(room * 100)) / most) / 100);
    const middle = at * ROW + ROW / 2 + 4;
    return svg("g", {},
      svg("text", { class: "name", x: NAMES - 10, y: middle + 5, "text-anchor": "end" }, short(name)),
      svg("rect", { class: "bar", x: NAMES, y: middle - 10, width: length, height: 20 }),
      svg("text", { class: "amount", x: NAMES + length + 8, y: middle + 5 }, money(minor)));
  }));
  const cells = rows.map(({ name, minor }) => [name, { number: money(minor) }]);
  return el("figure", { class: "card", id }, el("figcaption", {}, caption), drawing, table(caption, headings, cells));
}

const short = (name) => (Array.from(name).length > 22 ? `${Array.from(name).slice(0, 21).join("")}…` : name);
