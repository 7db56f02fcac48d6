"use strict";
// A click on a picture of a gallery shows it as large as the window, with its questions. The arrow keys go from one
// picture to the next, Escape closes. Without it the pictures stay as they are.

function enlarging(gallery) {
  const pictures = [...gallery.querySelectorAll(":scope > li > img")];
  if (!pictures.length) {
    return;
  }
  const make = (tag, className, ...children) => {
    const made = document.createElement(tag);
    made.className = className;
    made.append(...children);
    return made;
  };
  const button = (name, text, act) => {
    const made = make("button", "", text);
    made.type = "button";
    made.setAttribute("aria-label", name);
    made.addEventListener("click", act);
    return made;
  };
  const image = make("img", "");
  const told = make("div", "told");
  told.tabIndex = 0; // long ones scroll, by keys too
  told.setAttribute("role", "group");
  told.setAttribute("aria-label", "Questions about the picture");
  const place = make("output", "quiet");
  let current = 0;
  const dialog = make(
    "dialog",
    "enlarged",
    make(
      "div",
      "bar",
      place,
      button("Previous picture", "\u2190", () => step(-1)),
      button("Next picture", "\u2192", () => step(1)),
      button("Close", "\u00d7", () => dialog.close()),
    ),
    make("div", "stage", image),
    told,
  );
  dialog.setAttribute("aria-label", "Enlarged picture");
  const fitting = () => pictures.filter((picture) => !picture.closest(".gallery > li").hidden);
  const show = (picture) => {
    const card = picture.closest(".gallery > li");
    const all = fitting();
    current = all.indexOf(picture);
    image.src = picture.src;
    image.alt = card.querySelector(".name").textContent;
    told.replaceChildren(...[...card.lastElementChild.children].map((part) => part.cloneNode(true)));
    place.textContent = `${current + 1} of ${all.length}`;
  };
  const step = (by) => {
    const all = fitting();
    show(all[(current + by + all.length) % all.length]);
  };
  dialog.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      step(by);
    }
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) {
      dialog.close(); // a click beside it
    }
  });
  // The picture that was looked at last is where the reader goes on, even if "Show more" would have shown it only.
  dialog.addEventListener("close", () => {
    const opener = fitting()[current].parentElement;
    opener.closest(".gallery > li").classList.remove("later");
    opener.focus();
  });
  document.body.append(dialog);
  pictures.forEach((picture) => {
    const name = picture.closest("li").querySelector(".name").textContent;
    const opener = button(`Enlarge ${name}`, "", () => {
      show(picture);
      dialog.showModal();
    });
    opener.className = "opener";
    picture.replaceWith(opener);
    opener.append(picture);
  });
}

document.querySelectorAll(".gallery").forEach(enlarging);
