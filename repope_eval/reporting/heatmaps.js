"use strict";
// Saying below a heatmap which pair is pointed at, and leading from cell to cell by the arrow keys.

function pointed(table) {
  const rows = [...table.tBodies[0].rows];
  const heads = [...table.tHead.rows[0].cells];
  const said = document.createElement("p");
  said.className = "pointed";
  said.setAttribute("role", "status");
  table.parentElement.after(said);
  const name = (head) => head.title;
  const show = (cell) => {
    if (cell?.tagName !== "TD" || !cell.textContent) return;
    const pair = `${name(cell.parentElement.cells[0])}${table.dataset.joined}${name(heads[cell.cellIndex])}`;
    said.textContent = `${pair}: ${cell.title || cell.textContent}`;
  };
  const first = table.querySelector("tbody td:not(:empty)");
  if (!first) return;
  first.tabIndex = 0;
  table.tBodies[0].addEventListener("mouseover", (event) => show(event.target.closest("td")));
  table.tBodies[0].addEventListener("click", (event) => show(event.target.closest("td")));
  table.tBodies[0].addEventListener("focusin", (event) => show(event.target));
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  table.tBodies[0].addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    let [row, column] = [event.target.parentElement.sectionRowIndex, event.target.cellIndex];
    let next;
    do {
      [row, column] = [row + step[0], column + step[1]];
      next = column > 0 ? rows[row]?.cells[column] : undefined;
    } while (next && !next.textContent); // over the diagonal
    if (!next) return;
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}

document.querySelectorAll("table.heatmap").forEach(pointed);
