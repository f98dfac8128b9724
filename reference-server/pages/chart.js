// Charts as drawings that need no colour: each bar has its name and its number beside it, and a table says the same.

import { el, svg, table } from "./dom.js";

// On a narrow screen the name stands above its bar: a drawing that is only made smaller cannot be read.
const WIDE = { width: 640, row: 34, before: 190, behind: 130 };
const NARROW = { width: 330, row: 56, before: 4, behind: 110 };

/** Bars, with their table: rows of `{ name, minor }`, the numbers written by `money`. */
export function bars({ id, caption, headings, rows, money }) {
  const most = rows.reduce((most, { minor }) => (minor > most ? minor : most), 1n);
  const isNarrow = window.innerWidth < 600;
  const { width, row, before, behind } = isNarrow ? NARROW : WIDE;
  const room = width - before - behind;
  const height = rows.length * row + 8;
  const drawing = svg("svg", {
    class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-labelledby": `${id}-title`, focusable: "false",
  },
  svg("title", { id: `${id}-title` }, caption),
  svg("line", { class: "axis", x1: before, x2: before, y1: 0, y2: height }),
  rows.map(({ name, minor }, at) => {
    const length = Math.max(2, Number((minor * BigInt(room * 100)) / most) / 100);
    const middle = (at + 1) * row - 13;
    const beside = isNarrow ? { x: before + 4, y: middle - 17 } : { x: before - 10, y: middle + 5, "text-anchor": "end" };
    return svg("g", {},
      svg("text", { class: "name", ...beside }, short(name)),
      svg("rect", { class: "bar", x: before, y: middle - 10, width: length, height: 20 }),
      svg("text", { class: "amount", x: before + length + 8, y: middle + 5 }, money(minor)));
  }));
  const cells = rows.map(({ name, minor }) => [name, { number: money(minor) }]);
  return el("figure", { class: "card", id }, el("figcaption", {}, caption), drawing, table(caption, headings, cells));
}

const short = (name) => (Array.from(name).length > 22 ? `${Array.from(name).slice(0, 21).join("")}…` : name);
