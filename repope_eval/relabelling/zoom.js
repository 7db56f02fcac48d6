"use strict";
// A closer look at the image: by wheel, click, pinch, plus and minus; a closer image is moved by dragging it.

function closerLook(stage) {
  const LARGEST = 12;
  const BY_CLICK = 3;
  const STILL = 6; // pixels that a finger or mouse may move within a click
  const pointers = new Map();
  let picture = null;
  let scale = 1;
  let x = 0;
  let y = 0;
  let travelled = 0;

  const within = (value, limit) => Math.max(-limit, Math.min(limit, value));
  const place = () => {
    x = within(x, ((scale - 1) * stage.clientWidth) / 2);
    y = within(y, ((scale - 1) * stage.clientHeight) / 2);
    if (picture) picture.style.transform = scale > 1 ? `translate(${x}px, ${y}px) scale(${scale})` : "";
    stage.classList.toggle("closer", scale > 1);
  };
  // What lies under the point stays under it.
  const zoomTo = (wanted, point) => {
    const box = stage.getBoundingClientRect();
    const [fromX, fromY] = [point.clientX - box.left - box.width / 2, point.clientY - box.top - box.height / 2];
    const next = Math.max(1, Math.min(LARGEST, wanted));
    x = fromX - ((fromX - x) * next) / scale;
    y = fromY - ((fromY - y) * next) / scale;
    scale = next;
    place();
  };
  const middle = () => {
    const box = stage.getBoundingClientRect();
    return { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 };
  };
  const grip = () => {
    const points = [...pointers.values()];
    const mean = (name) => points.reduce((sum, point) => sum + point[name], 0) / points.length;
    const [one, other] = [points[0], points[points.length - 1]];
    return {
      clientX: mean("clientX"),
      clientY: mean("clientY"),
      span: Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY),
    };
  };

  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomTo(scale * Math.exp(-within(event.deltaY, 100) / 250), event);
  }, { passive: false });
  stage.addEventListener("pointerdown", (event) => {
    if (pointers.size === 0) travelled = 0;
    pointers.set(event.pointerId, event);
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!pointers.has(event.pointerId)) return;
    const before = grip();
    pointers.set(event.pointerId, event);
    const after = grip();
    travelled += Math.hypot(after.clientX - before.clientX, after.clientY - before.clientY) + Math.abs(after.span - before.span);
    x += after.clientX - before.clientX;
    y += after.clientY - before.clientY;
    zoomTo(before.span > 0 ? (scale * after.span) / before.span : scale, after);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    stage.addEventListener(name, (event) => pointers.delete(event.pointerId));
  }
  stage.addEventListener("click", (event) => {
    if (travelled < STILL) zoomTo(scale > 1 ? 1 : BY_CLICK, event);
  });
  new ResizeObserver(place).observe(stage);

  return {
    // Shows another image, all of it.
    show(element) {
      picture = element;
      [scale, x, y] = [1, 0, 0];
      stage.replaceChildren(element);
      place();
    },
    larger: () => zoomTo(scale * 1.5, middle()),
    smaller: () => zoomTo(scale / 1.5, middle()),
    whole: () => zoomTo(1, middle()),
  };
}
