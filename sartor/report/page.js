"use strict";
// Language, sorting and filtering. The page is readable without any of it.

const language = () => document.querySelector("input[name=language]:checked").value;

function speak() {
  const lang = language();
  document.documentElement.lang = lang;
  for (const element of document.querySelectorAll(`[data-${lang}]`)) {
    const words = element.dataset[lang];
    if (element.placeholder !== undefined && element.tagName === "INPUT") element.placeholder = words;
    else element.textContent = words;
  }
}

if ((navigator.language || "").startsWith("ko")) document.getElementById("in-ko").checked = true;
for (const choice of document.querySelectorAll("input[name=language]"))
  choice.addEventListener("change", () => { speak(); drawAll(); });
speak();

// The exact number of a cell, or its text; a cell without a known number goes last.
function key(row, column) {
  const cell = row.cells[column], exact = cell.querySelector("data");
  if (exact) return Number(exact.value);
  return cell.querySelector(".unknown") ? null : cell.textContent.trim();
}

function compare(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b));
}

function sort(table, column, up) {
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [key(row, column), row]);
  rows.sort(([a], [b]) => (a === null || b === null || up ? compare(a, b) : compare(b, a)));
  body.append(...rows.map(([, row]) => row));
  [...table.tHead.rows[0].cells].forEach((head, i) =>
    head.setAttribute("aria-sort", i === column ? (up ? "ascending" : "descending") : "none"));
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(table, column, head.getAttribute("aria-sort") !== "ascending"));
  });
}

document.getElementById("filter").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of document.querySelectorAll("#facts tbody tr")) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
  }
});
