"use strict";
// How the page asks the server that it came from, and what is wrong where that does not answer.

const PATIENCE = 10_000; // milliseconds that storing a label may take
const GONE =
  "The server does not answer. If it was ended, start it again with the same command, and open the address that it prints.";
const SLOW = "The server has not answered for a while; it is asked again.";
const TAKEN_OVER = "Another tab or window has taken over, and this one stores nothing.";

const token = new URLSearchParams(location.search).get("token");
const address = (path) => `${path}?token=${encodeURIComponent(token)}`;

// Asks the server; returns its document, or a problem: what is wrong, in words.
async function ask(path, content) {
  const request = content && { method: "POST", body: JSON.stringify(content) };
  try {
    const response = await fetch(address(path), { ...request, signal: AbortSignal.timeout(PATIENCE) });
    if (response.ok) return { document: await response.json() };
    if (response.status === 403) return { problem: GONE }; // another server has its place
    if (response.status === 409) return { problem: TAKEN_OVER, isTakenOver: true };
    return { problem: (await response.json()).problem };
  } catch (error) {
    return { problem: error.name === "TimeoutError" ? SLOW : GONE };
  }
}
