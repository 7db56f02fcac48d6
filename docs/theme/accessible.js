"use strict";
// What the theme's script adds to a page lacks names and keys: bars of code blocks, which are landmarks, and wide tables.

function mend() {
  document.querySelectorAll(".md-code__nav").forEach((bar, place) => {
    bar.ariaLabel ??= `Code block ${place + 1}`;
  });
  document.querySelectorAll(".md-typeset__scrollwrap").forEach((wrap) => {
    wrap.tabIndex = 0; // so that keys scroll it
  });
}

new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
mend();
