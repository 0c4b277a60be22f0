// The view: what part of the graph is seen, moved by pointer, wheel, touch, buttons, and the active step.

const CALM = matchMedia("(prefers-reduced-motion: reduce)");
const READABLE = 0.8; // below this scale text is too small to follow
const LEGIBLE = 0.55; // rather than go below this, only a part is followed
const FAR = 0.4; // below this nobody reads it at all, and colours take over
const SEEN = 0.05; // below this all of a graph is a line without any shape
const CLOSEST = 3;

function createView(svg, world, size, onMove) {
  const view = { svg, world, size, onMove, x: 0, y: 0, scale: 1, motion: 0, following: true };
  measure(view);
  listenToPointers(view);
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomAt(view, Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), ...pointIn(view, event));
  }, { passive: false });
  return view;
}

function pointIn(view, event) {
  const area = view.svg.getBoundingClientRect();
  return [event.clientX - area.left, event.clientY - area.top];
}

/** Read the size of the stage: only when it changes, for reading it costs a layout of the page. */
function measure(view) {
  view.area = { width: view.svg.clientWidth || 1, height: view.svg.clientHeight || 1 };
}

function apply(view) {
  view.world.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.scale})`);
  view.svg.classList.toggle("far", view.scale < FAR);
  view.onMove(view);
}

function smallest(view) {
  return Math.min(fitScale(view), READABLE) * 0.8;
}

function fitScale(view) {
  const { area, size } = view;
  return Math.min(area.width / size.width, area.height / size.height, 1.5);
}

/** Whether all of the graph can be seen and read at once. */
function readable(view) {
  return fitScale(view) >= READABLE;
}

/** Whether the whole graph has a shape that can be seen. */
function surveyable(view) {
  return fitScale(view) >= SEEN;
}

function zoomAt(view, factor, x, y) {
  cancelAnimationFrame(view.motion);
  const scale = Math.min(CLOSEST, Math.max(smallest(view), view.scale * factor));
  view.x = x - ((x - view.x) * scale) / view.scale;
  view.y = y - ((y - view.y) * scale) / view.scale;
  view.scale = scale;
  apply(view);
}

function zoomByButton(view, factor) {
  zoomAt(view, factor, view.area.width / 2, view.area.height / 2);
}

/** Move to a place and a scale: in a short glide, or at once for those who want no motion. */
function moveTo(view, goal, glide) {
  cancelAnimationFrame(view.motion);
  if (!glide || CALM.matches) {
    Object.assign(view, goal);
    apply(view);
    return;
  }
  const from = { x: view.x, y: view.y, scale: view.scale };
  const begin = performance.now();
  const advance = (now) => {
    const share = Math.min(1, (now - begin) / 320);
    const eased = 1 - (1 - share) ** 3;
    for (const key of ["x", "y", "scale"]) view[key] = from[key] + (goal[key] - from[key]) * eased;
    apply(view);
    if (share < 1) view.motion = requestAnimationFrame(advance);
  };
  view.motion = requestAnimationFrame(advance);
}

/** The whole graph, in the middle. */
function fit(view, glide = true) {
  const { area, size } = view;
  const scale = fitScale(view);
  const x = (area.width - size.width * scale) / 2;
  const y = (area.height - size.height * scale) / 2;
  moveTo(view, { x, y, scale }, glide);
}

/** A scale from a few only, so that it seldom changes from step to step. */
function stepped(scale) {
  return READABLE * 1.4 ** Math.floor(Math.log(scale / READABLE) / Math.log(1.4));
}

/** Follow a wire with both of its ends, or where they are too far apart, the end that receives. */
function followWire(view, { whole, receiver }, glide) {
  follow(view, roomFor(view, whole) >= LEGIBLE ? whole : receiver, glide);
}

/** The largest scale at which a rectangle fits. */
function roomFor(view, target) {
  const { width, height } = view.area;
  return stepped(Math.min((width * 0.9) / target.width, (height * 0.9) / target.height));
}

/** Bring a rectangle into the calm middle of the view; if it is there already, nothing moves. */
function follow(view, target, glide) {
  const { area } = view;
  const room = roomFor(view, target);
  const least = Math.min(room, READABLE);
  const scale = Math.min(Math.max(view.scale, least), Math.max(room, least));
  const inset = { x: Math.min(60, area.width * 0.08), y: Math.min(60, area.height * 0.1) };
  const left = target.x * scale + (view.x * scale) / view.scale;
  const top = target.y * scale + (view.y * scale) / view.scale;
  const seen =
    scale === view.scale &&
    left >= inset.x && left + target.width * scale <= area.width - inset.x &&
    top >= inset.y && top + target.height * scale <= area.height - inset.y;
  if (seen) return;
  if (readable(view)) return fit(view, glide);
  const x = area.width / 2 - (target.x + target.width / 2) * scale;
  const y = area.height / 2 - (target.y + target.height / 2) * scale;
  moveTo(view, { x, y, scale }, glide);
}

/** One finger or the mouse moves the graph, two fingers zoom it. */
function listenToPointers(view) {
  const { svg } = view;
  const held = new Map();
  svg.addEventListener("pointerdown", (event) => {
    held.set(event.pointerId, pointIn(view, event));
    view.dragged = false;
  });
  svg.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    if (!before) return;
    const now = pointIn(view, event);
    if (!view.dragged && held.size === 1 && distance(before, now) < 4) return;
    if (!view.dragged) svg.setPointerCapture(event.pointerId);
    view.dragged = true;
    if (held.size === 2) pinch(view, held, event.pointerId, now);
    else pan(view, now[0] - before[0], now[1] - before[1]);
    held.set(event.pointerId, now);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    svg.addEventListener(name, (event) => held.delete(event.pointerId));
  }
}

function distance([x0, y0], [x1, y1]) {
  return Math.hypot(x1 - x0, y1 - y0);
}

function pan(view, dx, dy) {
  cancelAnimationFrame(view.motion);
  view.x += dx;
  view.y += dy;
  apply(view);
}

function pinch(view, held, moved, now) {
  const [, other] = [...held].find(([id]) => id !== moved);
  const before = held.get(moved);
  const factor = distance(now, other) / Math.max(1, distance(before, other));
  zoomAt(view, factor, (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
  pan(view, (now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
}
