"use strict";
// Saying below a heatmap which pair is pointed at, and leading from cell to cell by the arrow keys.

function pointed(table) {
  const rows = [...table.tBodies[0].rows];
  const heads = [...table.tHead.rows[0].cells];
  const said = document.createElement("p");
  said.className = "pointed";
  said.setAttribute("role", "status");
  table.parentElement.after(said);
  // The first cell of a row may stand for several empty places.
  const column = (cell) => heads.length - cell.parentElement.cells.length + cell.cellIndex;
  const cellAt = (row, place) => row?.cells[place - heads.length + row.cells.length];
  const show = (cell) => {
    if (cell?.tagName !== "TD" || !cell.textContent) return;
    const pair = `${cell.parentElement.cells[0].title}${table.dataset.joined}${heads[column(cell)].title}`;
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
    let [row, place] = [event.target.parentElement.sectionRowIndex, column(event.target)];
    let next;
    do {
      [row, place] = [row + step[0], place + step[1]];
      next = cellAt(rows[row], place);
    } while (next && !next.textContent); // over the diagonal
    if (next?.tagName !== "TD") return;
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}

document.querySelectorAll("table.heatmap").forEach(pointed);
