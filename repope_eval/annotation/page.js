"use strict";
// One question after another. A label is on the server's disk before the page moves on; until then it is shown as not
// stored, and sent again. A key is taken only when the image that it is about is seen.

const find = (id) => document.getElementById(id);
const look = closerLook(find("stage"));

const AHEAD = 4; // questions whose images are fetched before they are asked about
const KEPT = 12; // images that are kept for looking back
const LONG = 1_500; // milliseconds after which it is said that a label is not stored yet
const WATCH = 3_000; // milliseconds from one look at the server to the next
const LONGEST_PAUSE = 60_000; // milliseconds between two labels that count as work
const RECENT = 30; // labels that the pace is taken from
const SAID = { yes: "Yes", no: "No", ambiguous: "Ambiguous" };

let tab = 0;
let questions = [];
let imageNames = [];
let labelled = []; // numbers of the labelled questions, the last one last: what undo goes back through
let current = 0;
let isSeen = false; // whether the image of the current question is
let isStoring = false;
let isTakenOver = false;
let isAtEnd = false; // whether no question is shown, since all are labelled
let unstored = null; // what the server did not take, and what is to be done once it has
let labelTimes = [];
const pictures = new Map();

const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
const say = (text) => { find("said").textContent = text; };

// ---- Storing

// Stores what is said of a question, and then does what follows; if that fails, it is kept to be stored later.
async function store(number, label, note, follow) {
  isStoring = true;
  const slowness = setTimeout(() => complain("Not stored yet: the server takes its time. The key is kept."), LONG);
  const { problem, isTakenOver: another } = await ask("label", { tab, number, label, note });
  clearTimeout(slowness);
  isStoring = false;
  if (problem) {
    unstored = { number, label, note, follow };
    const what = label ? SAID[label] : note ? "the note" : "what was undone";
    complain(`Not stored yet: ${what}. ${problem}`, another);
    return;
  }
  unstored = null;
  find("notice").hidden = true;
  Object.assign(questions[number], { label, note });
  follow();
}

function storeAgain() {
  if (unstored && !isStoring) store(unstored.number, unstored.label, unstored.note, unstored.follow);
}

function complain(problem, another = false) {
  isTakenOver = another;
  find("problem").textContent = problem;
  find("again").textContent = another ? "Go on here" : "Try again";
  find("notice").hidden = false;
}

async function watch() {
  if (isStoring || isTakenOver || !tab) return;
  const { problem, isTakenOver: another } = await ask(`tab/${tab}`);
  if (isStoring) return;
  if (another) complain(unstored ? `Not stored: ${SAID[unstored.label] ?? "the last key"}. ${problem}` : problem, true);
  else if (problem && !unstored) complain(problem);
  else if (!problem && unstored) storeAgain();
  else if (!problem) find("notice").hidden = true;
}

// ---- Images

function pictureOf(place) {
  let picture = pictures.get(place);
  if (!picture) {
    picture = new Image();
    picture.draggable = false;
    picture.alt = `Image ${place + 1} of ${imageNames.length}`;
    picture.src = address(`image/${place}`);
  }
  pictures.delete(place);
  pictures.set(place, picture); // the one looked at last stands last
  return picture;
}

function fetchAhead() {
  for (const question of questions.slice(current + 1, current + 1 + AHEAD)) {
    pictureOf(question.image).decode().catch(() => {}); // that it cannot be shown is said when it is to be
  }
  for (const place of [...pictures.keys()].slice(0, -KEPT)) {
    if (place !== questions[current].image) pictures.delete(place);
  }
}

// ---- What is shown

async function show(number) {
  current = number;
  isSeen = isAtEnd = false;
  closeNote();
  const question = questions[number];
  const picture = pictureOf(question.image);
  showQuestion();
  look.show(picture);
  showProgress();
  try {
    await picture.decode();
    if (picture === pictures.get(questions[current].image)) isSeen = true;
  } catch {
    if (number !== current) return;
    pictures.delete(question.image);
    message("This image cannot be shown: its file is damaged or gone. Go on with the next question.");
  }
  if (number === current) fetchAhead();
}

function message(text) {
  const element = document.createElement("p");
  element.textContent = text;
  look.show(element);
  say(text);
}

function showQuestion() {
  const { image, text, label, note, views } = questions[current];
  find("question").textContent = text;
  find("place").textContent = `Question ${current + 1} of ${questions.length}`;
  find("image-name").textContent = imageNames[image];
  find("note").textContent = note;
  find("note").hidden = !note;
  for (const button of document.querySelectorAll("[data-label]")) {
    button.setAttribute("aria-pressed", String(button.dataset.label === label && !isAtEnd));
    button.disabled = isAtEnd;
  }
  if (find("views")) find("views").replaceChildren(...views.map(viewItem));
  const stands = label ? ` Labelled ${label}.` : "";
  const others = views.map((view) => ` One says ${view.label}${view.note && `: ${view.note}`}.`).join("");
  say(`Question ${current + 1} of ${questions.length}: ${text}${stands}${others}`);
}

function viewItem(view) {
  const [item, label, note] = ["li", "strong", "span"].map((name) => document.createElement(name));
  label.textContent = `One says ${view.label}`;
  note.textContent = view.note;
  note.className = "quiet";
  item.append(label, note);
  return item;
}

function showProgress() {
  const done = labelled.length;
  find("progress").max = questions.length;
  find("progress").value = done;
  find("count").textContent = `${done} of ${questions.length} labelled`;
  find("pace").textContent = pace(questions.length - done);
  find("back").disabled = current === 0 && !isAtEnd;
  find("on").disabled = current === questions.length - 1;
  find("undo").disabled = done === 0;
  find("write").disabled = isAtEnd;
}

// Labels a minute over the last ones, pauses left out, and how long the rest takes at that.
function pace(left) {
  const gaps = labelTimes.slice(1).map((time, index) => time - labelTimes[index]).filter((gap) => gap < LONGEST_PAUSE);
  if (gaps.length < 3) return "";
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const minutes = Math.ceil((left * mean) / 60_000);
  const time = minutes > 90 ? `${(minutes / 60).toFixed(1)} hours` : counted(minutes, "minute");
  return `${Math.round(60_000 / mean)} a minute${left ? `, about ${time} left` : ""}`;
}

function showNextUnlabelled() {
  const isOpen = (question) => !question.label;
  const after = questions.slice(current + 1).findIndex(isOpen);
  const next = after >= 0 ? current + 1 + after : questions.findIndex(isOpen);
  if (next >= 0) show(next);
  else showEnd();
}

function showEnd() {
  isSeen = false;
  isAtEnd = true;
  showQuestion();
  showProgress();
  find("question").textContent = "All questions are labelled";
  find("place").textContent = find("image-name").textContent = "";
  find("note").hidden = true;
  find("views")?.replaceChildren();
  message(`All ${counted(questions.length, "question")} are labelled and stored. This page may be closed.`);
}

// ---- What the annotator does

function answer(label) {
  if (isStoring || isTakenOver || !isSeen) return;
  const number = current;
  const { note } = unstored?.number === number ? unstored : questions[number];
  store(number, label, note, () => {
    labelled = [...labelled.filter((other) => other !== number), number];
    labelTimes = [...labelTimes, performance.now()].slice(-RECENT);
    showNextUnlabelled();
  });
}

function undo() {
  if (isStoring || isTakenOver) return;
  if (unstored) { // what was not stored need not be undone
    unstored = null;
    find("notice").hidden = true;
    return;
  }
  const number = labelled[labelled.length - 1];
  if (number === undefined) return;
  store(number, null, questions[number].note, () => {
    labelled = labelled.slice(0, -1);
    show(number);
  });
}

function move(step) {
  const number = isAtEnd ? current : current + step;
  if (!isStoring && !unstored && number >= 0 && number < questions.length) show(number);
}

function openNote() {
  if (isStoring || isTakenOver || isAtEnd || unstored) return;
  find("writing").hidden = false;
  find("text").value = questions[current].note;
  find("text").focus();
}

function closeNote() {
  if (find("writing").contains(document.activeElement)) document.activeElement.blur();
  find("writing").hidden = true;
}

function keepNote() {
  const note = find("text").value.trim();
  closeNote();
  if (note !== questions[current].note) store(current, questions[current].label, note, showQuestion);
}

const KEYS = {
  y: () => answer("yes"),
  n: () => answer("no"),
  a: () => answer("ambiguous"),
  u: undo,
  m: openNote,
  Enter: openNote,
  ArrowLeft: () => move(-1),
  ArrowRight: () => move(1),
  "+": look.larger,
  "=": look.larger,
  "-": look.smaller,
  0: look.whole,
};

// A key that is held down counts once, and one that a button or the note's field wants is theirs.
function press(event) {
  if (event.key === "Escape" && !find("writing").hidden) return closeNote();
  const isTheirs = event.target.closest("input") || (event.key === "Enter" && event.target.closest("button"));
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (isTheirs || event.repeat || event.ctrlKey || event.metaKey || event.altKey || !KEYS[key] || !questions.length) return;
  event.preventDefault();
  KEYS[key]();
}

async function start() {
  const { document: told, problem } = await ask("questions");
  if (problem) return complain(problem);
  ({ tab, questions, labelled } = told);
  imageNames = told.images;
  isTakenOver = false;
  unstored = null;
  find("notice").hidden = true;
  const skipped = told.num_skipped;
  find("skipped").textContent = skipped ? `${counted(skipped, "question")} left out: no image` : "";
  current = -1;
  if (questions.every((question) => question.label)) current = questions.length - 1;
  showNextUnlabelled();
}

document.addEventListener("keydown", press);
for (const button of document.querySelectorAll("[data-label]")) {
  button.addEventListener("click", () => answer(button.dataset.label));
}
for (const [id, act] of [["back", KEYS.ArrowLeft], ["undo", undo], ["write", openNote], ["on", KEYS.ArrowRight], ["drop", closeNote]]) {
  find(id).addEventListener("click", act);
}
find("writing").addEventListener("submit", (event) => { event.preventDefault(); keepNote(); });
find("again").addEventListener("click", () => (tab && !isTakenOver ? (unstored ? storeAgain() : watch()) : start()));
document.addEventListener("visibilitychange", watch);
window.addEventListener("focus", watch);
setInterval(watch, WATCH);
start();
