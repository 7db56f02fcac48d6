"use strict";
// One question after another. What the annotator does is stored in the order in which they do it: each act is sent when
// the one before is on the server's disk, and again until it is. The page shows what is stored, says what is not yet, and
// moves on when nothing waits. A label is taken only when the image that it is about is seen.

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
let questions = []; // those that the server has told; the others are empty places
let numTold = 1; // how many the server tells at once
let windows = new Map(); // what it is asked of them, by the first of each
let [numQuestions, numImages, numLabelled] = [0, 0, 0];
let current = 0;
let next = null; // the next question without a label; null: there is none
let isAnswered = false; // whether the current one was labelled just now: the page goes on when no note is being written
let isSeen = false; // whether the image of the current question is
let isStoring = false;
let isTakenOver = false;
let isAtEnd = false; // whether no question is shown, since all are labelled
let numActs = 0; // what was sent so far
let acts = []; // what is not stored yet, in order
let labelTimes = [];
const pictures = new Map();

const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
const say = (text) => { find("said").textContent = text; };

// ---- Storing

// Puts what the annotator did behind what they did before. An act has a name; what it sends, which is found when its turn
// comes, from what is stored by then, and may be nothing; and what the page does once it is stored and nothing else waits.
function take(name, sent, follow) {
  acts.push({ name, sent, follow });
  if (!find("notice").hidden) complain(notStored());
  storeActs();
}

function notStored(why = "", another = false) {
  return `Not stored${another ? "" : " yet"}: ${acts.map((act) => act.name).join(", then ")}. ${why}`;
}

async function storeActs() {
  if (isStoring) return;
  isStoring = true;
  while (acts.length > 0) {
    const act = acts[0];
    act.content ??= act.sent();
    if (!act.content) {
      acts.shift();
      continue;
    }
    act.content.tab ??= tab;
    act.content.place ??= ++numActs;
    const slowness = setTimeout(() => complain(notStored("The server takes its time.")), LONG);
    const { document: stored, problem, isTakenOver: another } = await ask("act", act.content);
    clearTimeout(slowness);
    if (act !== acts[0]) continue; // the questions were opened anew
    if (problem) {
      complain(notStored(problem, another), another);
      break;
    }
    acts.shift();
    [numLabelled, next] = [stored.num_labelled, stored.next];
    questions[stored.number] = stored.question;
    if (acts.length > 0) {
      showQuestion();
      continue;
    }
    find("notice").hidden = true;
    act.follow(stored);
  }
  isStoring = false;
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
  if (problem) complain(acts.length > 0 ? notStored(problem, another) : problem, another);
  else if (acts.length > 0) storeActs();
  else {
    find("notice").hidden = true;
    if (!isAtEnd && !questions[current]) show(current);
  }
}

// ---- Images

function pictureOf(place) {
  let picture = pictures.get(place);
  if (!picture) {
    picture = new Image();
    picture.draggable = false;
    picture.alt = `Image ${place + 1} of ${numImages}`;
    picture.src = address(`image/${place}`);
  }
  pictures.delete(place);
  pictures.set(place, picture); // the one looked at last stands last
  return picture;
}

// One after another: of some formats the server has to make each image, and a browser asks for six things at once at
// most, of which a label is to be one.
async function fetchAhead() {
  const from = current;
  for (let number = from + 1; number <= Math.min(from + AHEAD, numQuestions - 1); number++) {
    if (await fetchQuestion(number) || from !== current) return;
    await pictureOf(questions[number].image).decode().catch(() => {}); // this is said when it is to be shown
    if (from !== current) return;
  }
}

// Forgets the images that were looked at long ago, and those that have not come and are not waited for any more.
function forgetPictures() {
  const wanted = new Set(questions.slice(current, current + 1 + AHEAD).map((question) => question?.image));
  const old = new Set([...pictures.keys()].slice(0, -KEPT));
  for (const [place, picture] of pictures) {
    if (wanted.has(place) || (picture.complete && !old.has(place))) continue;
    picture.src = ""; // what has not come is not asked for any more
    pictures.delete(place);
  }
}

// ---- Questions

// Has the server tell a question, and those around it; returns what is wrong, if it cannot.
async function fetchQuestion(number) {
  if (questions[number]) return null;
  const start = number - (number % numTold);
  if (!windows.has(start)) windows.set(start, ask(`questions/${start}`));
  const [asked, places] = [windows, questions];
  const { document: told, problem } = await asked.get(start);
  asked.delete(start);
  told?.forEach((question, place) => { places[start + place] ??= question; }); // what was stored since then is newer
  return problem;
}

// ---- What is shown

async function show(number) {
  current = number;
  isSeen = isAtEnd = isAnswered = false;
  closeNote();
  closeJump();
  const problem = await fetchQuestion(number);
  if (number !== current || isAtEnd) return;
  if (problem) return complain(problem); // and asked again when the server is there
  const question = questions[number];
  forgetPictures();
  const picture = pictureOf(question.image);
  showQuestion();
  look.show(picture);
  try {
    await picture.decode();
    if (!isAtEnd && picture === pictures.get(questions[current]?.image)) isSeen = true;
  } catch {
    if (number !== current || picture !== pictures.get(question.image)) return;
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
  const { name, text, label, note, views } = questions[current] ?? { name: "", text: "", label: null, note: "", views: [] };
  find("question").textContent = text;
  find("place").textContent = `Question ${current + 1} of ${numQuestions}`;
  find("place").hidden = isAtEnd;
  find("image-name").textContent = name;
  find("note").textContent = note;
  find("note").hidden = !note;
  for (const button of document.querySelectorAll("[data-label]")) {
    button.setAttribute("aria-pressed", String(button.dataset.label === label && !isAtEnd));
    button.disabled = isAtEnd;
  }
  if (find("views")) find("views").replaceChildren(...views.map(viewItem));
  const stands = label ? ` Labelled ${label}.` : "";
  const others = views.map((view) => ` One says ${view.label}${view.note && `: ${view.note}`}.`).join("");
  say(`Question ${current + 1} of ${numQuestions}: ${text}${stands}${others}`);
  showProgress();
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
  find("progress").max = numQuestions;
  find("progress").value = numLabelled;
  find("count").textContent = `${numLabelled} of ${numQuestions} labelled`;
  find("pace").textContent = pace(numQuestions - numLabelled);
  find("back").disabled = current === 0 && !isAtEnd;
  find("on").disabled = current === numQuestions - 1;
  find("undo").disabled = numLabelled === 0 && acts.length === 0;
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

function showNext() {
  if (next === null) showEnd();
  else show(next);
}

// What follows a label, and a note that is kept or dropped behind it.
function goOn() {
  if (isAnswered && !isWriting()) showNext();
  else showQuestion();
}

function showEnd() {
  isSeen = isAnswered = false;
  isAtEnd = true;
  closeJump();
  showQuestion();
  find("question").textContent = "All questions are labelled";
  find("image-name").textContent = "";
  find("note").hidden = true;
  find("views")?.replaceChildren();
  message(`All ${counted(numQuestions, "question")} are labelled and stored. This page may be closed.`);
}

// ---- What the annotator does

function answer(label, withNote = false) {
  if (isTakenOver || !isSeen) return;
  if (acts.at(-1)?.name === SAID[label] && !isWriting()) return; // the same key again, before the page could move on
  const number = current;
  const note = takenNote();
  isAnswered = true;
  if (withNote) openNote(note.note);
  take(SAID[label], () => ({ number, ...spoken(number), label, ...note }), () => {
    labelTimes = [...labelTimes, performance.now()].slice(-RECENT);
    goOn();
  });
}

function undo() {
  if (isTakenOver || (numLabelled === 0 && acts.length === 0)) return;
  if (isWriting()) keepNote(showQuestion);
  take("Undo", () => numLabelled > 0 && { number: null }, ({ number }) => show(number));
}

function goTo(number) {
  if (acts.length > 0 || number < 0 || number >= numQuestions) return;
  keepNote(() => show(number));
}

const move = (step) => goTo(isAtEnd ? current : current + step);

function openJump() {
  if (!numQuestions) return;
  find("jumping").hidden = false;
  find("number").max = numQuestions;
  find("number").value = current + 1;
  find("number").focus();
  find("number").select();
}

function closeField(form) {
  if (form.contains(document.activeElement)) document.activeElement.blur();
  form.hidden = true;
}

const closeJump = () => closeField(find("jumping"));

// ---- What the labels mean

function showGuideline() {
  find("guideline").showModal();
  find("guideline").scrollTop = 0; // and not at its button, which has the focus
}

// ---- Notes

const isWriting = () => !find("writing").hidden;

// What is said of a question so far.
const spoken = (number) => ({ label: questions[number].label, note: questions[number].note });

function openNote(text = questions[current]?.note) {
  if (isTakenOver || isAtEnd || !questions[current]) return;
  find("writing").hidden = false;
  find("about").textContent = `Note on question ${current + 1}`;
  find("keep").textContent = isAnswered ? "Keep and go on" : "Keep";
  find("text").value = text;
  find("text").focus();
}

const closeNote = () => closeField(find("writing"));

function dropNote() {
  closeNote();
  if (acts.length === 0) goOn();
}

// The note that is being written, if any, for the act that ends its writing.
function takenNote() {
  if (!isWriting()) return {};
  closeNote();
  return { note: find("text").value.trim() };
}

const isUnkept = () => isWriting() && find("text").value.trim() !== questions[current].note;

function keepNote(follow = goOn) {
  const number = current;
  if (!isUnkept()) {
    closeNote();
    if (acts.length === 0) follow();
    return;
  }
  const written = takenNote();
  take("the note", () => ({ number, ...spoken(number), ...written }), follow);
}

const LABELS = { y: "yes", n: "no", a: "ambiguous" };

const KEYS = {
  y: () => answer("yes"),
  n: () => answer("no"),
  a: () => answer("ambiguous"),
  u: undo,
  m: () => openNote(),
  Enter: () => openNote(),
  g: openJump,
  "?": showGuideline,
  ArrowLeft: () => move(-1),
  ArrowRight: () => move(1),
  "+": look.larger,
  "=": look.larger,
  "-": look.smaller,
  0: look.whole,
};

// A key that is held down counts once, and one that a button, a field or the open guideline wants is theirs.
function press(event) {
  if (find("guideline").open) {
    if (event.key === "?") find("guideline").close();
    return;
  }
  if (event.key === "Escape" && !find("jumping").hidden) return closeJump();
  if (event.key === "Escape" && isWriting()) return dropNote();
  const isTheirs = event.target.closest("input") || (event.key === "Enter" && event.target.closest("button"));
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (isTheirs || event.repeat || event.ctrlKey || event.metaKey || event.altKey || !KEYS[key] || !numQuestions) return;
  event.preventDefault();
  if (event.shiftKey && LABELS[key]) answer(LABELS[key], true);
  else KEYS[key]();
}

async function start() {
  const { document: told, problem } = await ask("open");
  if (problem) return complain(problem);
  [tab, numTold] = [told.tab, told.num_told];
  [numQuestions, numImages, numLabelled, next] = [told.num_questions, told.num_images, told.num_labelled, told.next];
  [questions, windows] = [[], new Map()];
  isTakenOver = false;
  [numActs, acts] = [0, []];
  find("notice").hidden = true;
  const skipped = told.num_skipped;
  find("skipped").textContent = skipped ? `${counted(skipped, "question")} left out: no image` : "";
  current = numQuestions - 1; // what stands before the end
  showNext();
  if (numLabelled === 0) showGuideline();
}

document.addEventListener("keydown", press);
for (const button of document.querySelectorAll("[data-label]")) {
  button.addEventListener("click", () => answer(button.dataset.label));
}
for (const [id, act] of [["back", KEYS.ArrowLeft], ["undo", undo], ["write", KEYS.m], ["on", KEYS.ArrowRight], ["drop", dropNote],
  ["place", openJump], ["stay", closeJump], ["help", showGuideline]]) {
  find(id).addEventListener("click", act);
}
find("writing").addEventListener("submit", (event) => { event.preventDefault(); keepNote(); });
find("jumping").addEventListener("submit", (event) => { event.preventDefault(); goTo(find("number").valueAsNumber - 1); });
find("guideline").addEventListener("click", (event) => { if (event.target === find("guideline")) find("guideline").close(); });
find("again").addEventListener("click", () => (tab && !isTakenOver ? watch() : start()));
document.addEventListener("visibilitychange", watch);
window.addEventListener("focus", watch);
window.addEventListener("beforeunload", (event) => { if (acts.length > 0 || isUnkept()) event.preventDefault(); });
setInterval(watch, WATCH);
start();
