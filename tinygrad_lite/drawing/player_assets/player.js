// The player: one position, and everything that moves it or shows it.

const at = (id) => document.getElementById(id);

const model = readModel(at("data").textContent);
const graph = buildGraph(at("graph"), model);
const view = createView(at("graph"), graph.world, model.scene, () => showTiles(graph.tiles, view, graph.stop));
const details = createDetails(at("details"), graph, () => position);
let position = 0;
let timer = 0;

/** Go to a position; whatever is seen is a function of it alone. */
function go(to, glide = true) {
  position = Math.max(0, Math.min(model.end, to));
  paint(graph, position);
  showPanel(at("step"), model, position);
  refreshDetails(details);
  showPosition();
  if (view.following) look(glide);
}

/** Turn the view to the active wire; at the start to the whole graph, if it is readable, and at the
 * end if it has a shape, else to where the pass ended. */
function look(glide) {
  const target = focusOf(graph, position);
  if (target) followWire(view, target, glide);
  else if (readable(view) || (position === model.end && surveyable(view))) fit(view, glide);
  else if (position === model.end && model.count) followWire(view, focusOf(graph, model.count), glide);
  else follow(view, boundsOf(graph.boxes.get(model.trace.output)), glide);
}

function showPosition() {
  const slider = at("slider");
  const sentence = sentenceAt(model, position);
  slider.value = position;
  slider.style.setProperty("--share", position / model.end);
  slider.setAttribute("aria-valuetext", sentence);
  if (!playing() || pace() >= UNHURRIED) at("announcement").textContent = sentence;
  at("position").textContent =
    position === 0 ? "Start" : position === model.end ? "Finished" : `${position} / ${model.count}`;
  for (const [id, off] of [["first", 0], ["back", 0], ["forward", model.end], ["last", model.end]]) {
    at(id).setAttribute("aria-disabled", String(position === off));
  }
}

// Playing

const UNHURRIED = 1000; // milliseconds: a step that can be read aloud before the next one

function pace() {
  return Number(at("speed").value);
}

function playing() {
  return timer !== 0;
}

function play() {
  if (!model.count) return;
  if (position === model.end) go(0);
  timer = setTimeout(tick, 0);
  showPlaying();
}

function pause() {
  clearTimeout(timer);
  timer = 0;
  showPlaying();
}

function tick() {
  go(position + 1);
  if (position === model.end) return pause();
  timer = setTimeout(tick, pace());
}

function showPlaying() {
  at("play").textContent = playing() ? "Pause" : "Play";
}

/** A step by hand ends the playing. */
function step(to) {
  pause();
  go(to);
}

// The timeline: every contribution as a bar, as high as it is large

function drawTimeline() {
  const strip = at("strip");
  strip.setAttribute("viewBox", `0 0 ${model.end} 1`);
  strip.style.setProperty("--bar", `${Math.min(8, Math.max(1, 500 / model.end))}px`);
  const bars = { positive: "", negative: "", balanced: "", strange: "" };
  model.flow.forEach(({ share, lean }, i) => {
    const look = lean === null ? "strange" : Math.abs(lean) < 0.3 ? "balanced" : lean < 0 ? "negative" : "positive";
    bars[look] += `M${i + 1},1 v${-(0.12 + 0.88 * share)}`;
  });
  for (const [look, d] of Object.entries(bars)) strip.append(draw("path", { class: look, d }));
}

// Theme

function dark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function showTheme() {
  at("theme").textContent = dark() ? "Light" : "Dark";
}

function switchTheme() {
  document.documentElement.dataset.theme = dark() ? "light" : "dark";
  showTheme();
}

// Buttons and keys

const BUTTONS = {
  first: () => step(0),
  back: () => step(position - 1),
  play: () => (playing() ? pause() : play()),
  forward: () => step(position + 1),
  last: () => step(model.end),
  fit: () => fit(view),
  "zoom-in": () => zoomByButton(view, 1.3),
  "zoom-out": () => zoomByButton(view, 1 / 1.3),
  theme: switchTheme,
  follow: toggleFollow,
};

const KEYS = {
  ArrowRight: BUTTONS.forward,
  ArrowLeft: BUTTONS.back,
  PageDown: () => step(position + 10),
  PageUp: () => step(position - 10),
  Home: BUTTONS.first,
  End: BUTTONS.last,
  f: BUTTONS.fit,
  "+": BUTTONS["zoom-in"],
  "-": BUTTONS["zoom-out"],
  Escape: () => hideDetails(details),
};

function onKey(event) {
  if (event.key.startsWith("Page") && event.target.closest("#panel, #details")) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, .scroll, pre")) return;
  const node = boxUnder(event);
  if (event.key === " " && !event.target.closest("button")) BUTTONS.play();
  else if (KEYS[event.key]) KEYS[event.key]();
  else if (node && (event.key === "ArrowDown" || event.key === "ArrowUp")) visit(node, event.key === "ArrowDown" ? 1 : -1);
  else if (node && event.key === "Enter") pinDetails(details, node);
  else return;
  event.preventDefault();
}

/** Move the focus to the next tensor; only one of them is a tab stop. */
function visit(node, by) {
  const places = graph.order.map((box) => box.group);
  const next = places[(places.indexOf(node) + by + places.length) % places.length];
  keepStop(graph, next);
  follow(view, graph.order[places.indexOf(next)], false);
  next.focus({ preventScroll: true });
}

// Choosing in the graph

function onClick(event) {
  if (view.dragged) return;
  const node = boxUnder(event);
  const wire = event.target.closest("[data-edge]");
  if (node) pinDetails(details, node);
  else if (wire && model.eventOf.has(wire.dataset.edge)) step(model.eventOf.get(wire.dataset.edge) + 1);
  else hideDetails(details);
}

function start() {
  const output = model.node.get(model.trace.output).label;
  at("title").textContent = `Backpropagation of ${output}`;
  at("subtitle").textContent = `${plural(model.count, "step")} of the chain rule`;
  at("slider").max = model.end;
  at("play").disabled = !model.count;
  keepStop(graph, graph.boxes.get(model.trace.output)[0].group);
  showLegend(at("legend"), model);
  drawTimeline();
  showTheme();
  for (const [id, action] of Object.entries(BUTTONS)) at(id).addEventListener("click", action);
  at("slider").addEventListener("input", (event) => step(Number(event.target.value)));
  graph.svg.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);
  new ResizeObserver(resize).observe(graph.svg);
  fit(view, false);
  go(Number(/^#step=(\d+)$/.exec(location.hash)?.[1] ?? 0), false);
}

function resize() {
  measure(view);
  look(false);
}

function toggleFollow() {
  view.following = !view.following;
  at("follow").setAttribute("aria-pressed", String(view.following));
  if (view.following) look(true);
}

start();
