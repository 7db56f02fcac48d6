"use strict";
// Sorting tables by a click on a heading, saying that a wide table or chart scrolls, filtering tables and a gallery, and
// keeping in the address what was chosen. Without it a page shows all there is.

// What a reader can choose: the fields of filters, and the order of tables. Each has a key, and functions that read and
// write it as text. What differs from how the page began follows a question mark at the end of the address,
// `#anchor?pairs.variant=random`, so that it is there again when the address is opened.
const choices = [];

function keep(key, initial, read, write) {
  choices.push({ key, initial, read, write });
}

function writeAddress() {
  const chosen = choices.filter(({ initial, read }) => read() !== initial).map(({ key, read }) => [key, read()]);
  const anchor = location.hash.split("?")[0] || "#";
  const hash = chosen.length ? `${anchor}?${new URLSearchParams(chosen)}` : anchor;
  if (hash !== (location.hash || "#")) history.replaceState(history.state, "", hash);
}

function readAddress() {
  const [anchor, ...rest] = location.hash.slice(1).split("?");
  const chosen = new URLSearchParams(rest.join("?"));
  choices.forEach(({ key, initial, write }) => write(chosen.get(key) ?? initial));
  document.querySelectorAll("form.filters").forEach((filters) => filters.dispatchEvent(new Event("input")));
  // A browser finds no place of that name where the choices follow it.
  if (rest.length) document.getElementById(anchor)?.scrollIntoView();
}

function keepFields(filters, name) {
  filters.autocomplete = "off"; // else a browser fills in what was there before, beside what the address says
  for (const field of filters.elements) {
    const options = [...(field.options ?? [])];
    const first = options.find((option) => option.defaultSelected) ?? options[0];
    const initial = first ? first.value : field.defaultValue;
    const write = (text) => {
      const isKnown = !first || options.some((option) => option.value === text);
      field.value = isKnown ? text : initial;
    };
    keep(`${name}.${field.name}`, initial, () => field.value, write);
  }
  filters.addEventListener("input", writeAddress);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.hidden = false;
}

function groupsOf(table) {
  return [...table.tBodies].map((body) => ({
    body,
    rows: [...body.rows].filter((row) => !row.classList.contains("group")),
  }));
}

function sortable(table) {
  const headings = [...table.tHead.rows[0].cells];
  const groups = groupsOf(table);
  const key = (row, column) => {
    const cell = row.cells[column];
    const text = (cell.dataset.value ?? cell.textContent).trim();
    const number = Number.parseFloat(text.replace("\u2212", "-"));
    return { text, number };
  };
  const ordered = (rows, column, descending) => {
    const keyed = rows.map((row) => ({ row, ...key(row, column) }));
    keyed.sort((one, other) => {
      const missing = Number.isNaN(one.number) - Number.isNaN(other.number);
      const both = !Number.isNaN(one.number) && !Number.isNaN(other.number);
      const difference = both ? one.number - other.number : one.text.localeCompare(other.text);
      return missing || (descending ? -difference : difference);
    });
    return keyed.map(({ row }) => row);
  };
  // The order that the page began with where there is no heading.
  const sort = (heading, descending) => {
    headings.forEach((each) => each.removeAttribute("aria-sort"));
    heading?.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const column = headings.indexOf(heading);
    groups.forEach(({ body, rows }) => body.append(...(heading ? ordered(rows, column, descending) : rows)));
  };
  const turn = (heading) => {
    const column = headings.indexOf(heading);
    const now = heading.getAttribute("aria-sort");
    const numbers = () => groups.some(({ rows }) => rows.some((row) => !Number.isNaN(key(row, column).number)));
    sort(heading, now ? now === "ascending" : numbers());
    writeAddress();
  };
  headings.forEach((heading) => {
    heading.tabIndex = 0;
    heading.addEventListener("click", () => turn(heading));
    heading.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        turn(heading);
      }
    });
  });
  if (!table.id) return;
  const sorted = () => headings.find((heading) => heading.hasAttribute("aria-sort"));
  const read = () => {
    const heading = sorted();
    const sign = heading?.getAttribute("aria-sort") === "descending" ? "-" : "";
    return heading ? sign + heading.textContent.trim() : "";
  };
  const write = (text) => {
    if (text === read()) return;
    const descending = text.startsWith("-");
    const title = descending ? text.slice(1) : text;
    sort(title ? headings.find((heading) => heading.textContent.trim() === title) : undefined, descending);
  };
  keep(`${table.id}.sort`, "", read, write);
}

function filterable(section) {
  const AT_ONCE = 40;
  const filters = section.querySelector(".filters");
  const cards = [...section.querySelectorAll(".gallery > li")];
  const items = cards.map((card) => [...card.querySelectorAll("[data-kind]")]);
  const images = cards.map((card) => card.querySelector(".name").textContent); // a card has an image, or a question
  const noun = section.dataset.card ?? "image";
  const item = section.dataset.item ?? "question about"; // what is counted, and how it is joined to images
  const list = section.querySelector(".gallery");
  const more = section.querySelector("button.more");
  const said = section.querySelector("output");
  const printed = section.querySelector(".printed");
  const room = Number(list.dataset.lines ?? Infinity); // lines on paper, where the page says how many
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
    let printedCards = 0;
    let fittingQuestions = 0;
    const fittingImages = new Set();
    let lines = 0; // on paper, which has room for other cards than the screen shows at first
    cards.forEach((card, place) => {
      const shown = items[place].filter((item) => !(item.hidden = !fits(item)));
      card.hidden = shown.length === 0;
      if (card.hidden) {
        return;
      }
      fitting += 1;
      fittingImages.add(images[place]);
      fittingQuestions += shown.length;
      lines += shown.reduce((sum, item) => sum + Number(item.dataset.lines ?? 0), Number(card.dataset.lines ?? 0));
      const isPrinted = fitting === 1 || lines <= room;
      printedCards += isPrinted;
      card.classList.toggle("unprinted", !isPrinted);
      card.classList.toggle("later", fitting > limit);
      shownCards += fitting <= limit;
    });
    if (printed) {
      printed.hidden = printedCards === fitting;
      [...printed.querySelectorAll("b")].forEach((count, place) => {
        count.textContent = [printedCards, fitting][place];
      });
    }
    const number = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
    const [counted, joined] = item.split(/ (?=\S+$)/);
    const isNarrowed = variant || kind || object || response;
    const left = `${number(fittingQuestions, counted)} ${joined} ${number(fittingImages.size, "image")}`;
    said.textContent = fittingQuestions
      ? `${isNarrowed ? "The filter leaves " : ""}${left}.`
      : `No ${counted} fits the filter.`;
    more.textContent = `Show more of the ${number(fitting - shownCards, `further ${noun}`)}`;
    more.hidden = shownCards === fitting;
  };
  filters.addEventListener("input", () => {
    limit = AT_ONCE;
    show();
  });
  more.addEventListener("click", () => {
    limit += AT_ONCE;
    show();
  });
  keepFields(filters, section.id);
}

function filteredTable(filters) {
  const table = document.getElementById(filters.dataset.table);
  const groups = groupsOf(table);
  const fields = [...filters.elements].filter((field) => field.dataset.column);
  const chooser = filters.querySelector("select[data-groups]");
  const said = document.createElement("output");
  filters.after(said); // not in the form, which is not printed
  const fits = (row, field) => {
    if (!field.value) return true;
    const texts = field.dataset.column.split(" ").map((column) => row.cells[column].textContent.trim());
    return field.tagName === "SELECT"
      ? texts.includes(field.value)
      : texts.some((text) => text.toLowerCase().includes(field.value.trim().toLowerCase()));
  };
  const show = () => {
    let fitting = 0;
    let all = 0;
    groups.forEach(({ body, rows }) => {
      rows.forEach((row) => (row.hidden = !fields.every((field) => fits(row, field))));
      body.hidden = Boolean(chooser?.value) && body.dataset.group !== chooser.value;
      if (body.hidden) return;
      fitting += rows.filter((row) => !row.hidden).length;
      all += rows.length;
    });
    const count = fitting ? `${fitting} of ${all} rows` : "No row fits the filter.";
    said.textContent = fitting === all ? "" : count;
  };
  filters.addEventListener("input", show);
  keepFields(filters, table.id);
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

readAddress();
// A link to a place in the page leaves the choices as they are; an address that names some brings them back.
addEventListener("hashchange", () => (location.hash.includes("?") ? readAddress() : writeAddress()));
