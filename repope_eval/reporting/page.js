"use strict";
// Sorting tables by a click on a heading, saying that a wide table or chart scrolls, and filtering tables and a gallery.
// Without it a page shows all there is.

function sortable(table) {
  const headings = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const key = (row, column) => {
    const cell = row.cells[column];
    const text = (cell.dataset.value ?? cell.textContent).trim();
    const number = Number.parseFloat(text.replace("\u2212", "-"));
    return { text, number };
  };
  const order = (column, descending) => {
    const keyed = [...body.rows].map((row) => ({ row, ...key(row, column) }));
    keyed.sort((one, other) => {
      const missing = Number.isNaN(one.number) - Number.isNaN(other.number);
      const both = !Number.isNaN(one.number) && !Number.isNaN(other.number);
      const difference = both ? one.number - other.number : one.text.localeCompare(other.text);
      return missing || (descending ? -difference : difference);
    });
    body.append(...keyed.map(({ row }) => row));
  };
  headings.forEach((heading, column) => {
    const sort = () => {
      const numbers = [...body.rows].some((row) => !Number.isNaN(key(row, column).number));
      const now = heading.getAttribute("aria-sort");
      const descending = now ? now === "ascending" : numbers;
      headings.forEach((each) => each.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
      order(column, descending);
    };
    heading.tabIndex = 0;
    heading.addEventListener("click", sort);
    heading.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        sort();
      }
    });
  });
}

function filterable(section) {
  const AT_ONCE = 40;
  const filters = section.querySelector(".filters");
  const cards = [...section.querySelectorAll(".gallery > li")];
  const items = cards.map((card) => [...card.querySelectorAll("[data-kind]")]);
  const images = cards.map((card) => card.querySelector(".name").textContent); // a card has an image, or a question
  const noun = section.dataset.card ?? "image";
  const more = section.querySelector("button.more");
  const said = section.querySelector("output");
  const field = (name) => filters.elements.namedItem(name)?.value ?? "";
  const responsesOf = (item) => [...item.querySelectorAll(".response")].map((part) => part.textContent.toLowerCase());
  let limit = AT_ONCE;
  const show = () => {
    const variant = field("variant");
    const kind = field("kind");
    const object = field("object").trim().toLowerCase();
    const response = field("response").trim().toLowerCase();
    const fits = (item) =>
      (!variant || item.dataset.variants.split("\n").includes(variant)) &&
      (!kind || kind.split("\n").includes(item.dataset.kind)) &&
      (!object || item.dataset.object.toLowerCase().includes(object)) &&
      (!response || responsesOf(item).some((text) => text.includes(response)));
    let fitting = 0;
    let shownCards = 0;
    let fittingQuestions = 0;
    const fittingImages = new Set();
    cards.forEach((card, place) => {
      const number = items[place].filter((item) => !(item.hidden = !fits(item))).length;
      fitting += number > 0;
      if (number) {
        fittingImages.add(images[place]);
      }
      fittingQuestions += number;
      card.hidden = number === 0;
      card.classList.toggle("later", fitting > limit); // which a printed page shows all the same
      shownCards += number > 0 && fitting <= limit;
    });
    const number = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
    const isNarrowed = variant || kind || object || response;
    const left = `${number(fittingQuestions, "question")} about ${number(fittingImages.size, "image")}`;
    said.textContent = fittingQuestions
      ? `${isNarrowed ? "The filter leaves " : ""}${left}.`
      : "No question fits the filter.";
    more.textContent = `Show more of the ${number(fitting - shownCards, `further ${noun}`)}`;
    more.hidden = shownCards === fitting;
  };
  filters.addEventListener("input", () => {
    limit = AT_ONCE;
    show();
  });
  filters.addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", () => {
    limit += AT_ONCE;
    show();
  });
  filters.hidden = false;
  show();
}

function filteredTable(filters) {
  const table = document.getElementById(filters.dataset.table);
  const rows = [...table.tBodies[0].rows];
  const said = document.createElement("output");
  filters.after(said); // not in the form, which is not printed
  const fits = (row, field) => {
    const texts = field.dataset.column.split(" ").map((column) => row.cells[column].textContent.trim());
    return field.tagName === "SELECT"
      ? !field.value || texts.includes(field.value)
      : texts.some((text) => text.toLowerCase().includes(field.value.trim().toLowerCase()));
  };
  filters.addEventListener("input", () => {
    let fitting = 0;
    rows.forEach((row) => {
      row.hidden = ![...filters.elements].every((field) => fits(row, field));
      fitting += !row.hidden;
    });
    const count = fitting ? `${fitting} of ${rows.length} rows` : "No row fits the filter.";
    said.textContent = fitting === rows.length ? "" : count;
  });
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.hidden = false;
}

function scrolling(wide) {
  const hint = document.createElement("p");
  hint.className = "scrolls";
  const kind = wide.querySelector("table") ? "table" : "chart";
  hint.textContent = `This ${kind} is wider than the window: scroll it sideways. \u2192`;
  wide.before(hint);
  const show = () => {
    hint.hidden = wide.scrollWidth <= wide.clientWidth + 1;
  };
  new ResizeObserver(show).observe(wide);
  show();
}

// Paper cannot be unfolded.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => (part.open = true)));

document.querySelectorAll("table.sortable").forEach(sortable);
document.querySelectorAll(".wide").forEach(scrolling);
document.querySelectorAll("form.filters[data-table]").forEach(filteredTable);
document.querySelectorAll("section.filterable").forEach(filterable);
