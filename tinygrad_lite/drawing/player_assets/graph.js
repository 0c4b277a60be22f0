// The graph: drawn once as SVG; a step touches only what changed since the last one.

const SVG = "http://www.w3.org/2000/svg";

function draw(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function buildGraph(svg, model) {
  const { scene } = model;
  const graph = { model, boxes: new Map(), wires: new Map(), circles: new Map(), order: [], tiles: new Map(), shown: null };
  const world = draw("g", { id: "world" });
  const layers = { frames: draw("g"), wires: draw("g"), boxes: draw("g"), labels: draw("g") };
  world.append(...Object.values(layers));
  for (const frame of scene.frames) layers.frames.append(drawFrame(frame));
  for (const wire of scene.wires) addWire(graph, layers, wire);
  for (const circle of scene.circles) addCircle(graph, layers.boxes, circle);
  for (const box of scene.boxes) addBox(graph, layers.boxes, box);
  graph.active = draw("g", { class: "active" });
  layers.labels.append(graph.active);
  svg.append(world);
  graph.svg = svg;
  graph.world = world;
  return graph;
}

function drawFrame({ title, depth, x, y, width, height }) {
  const box = draw("rect", { x, y, width, height, rx: 12 });
  const name = draw("text", { x: x + 12, y: y + 16 }, title);
  return draw("g", { class: depth % 2 ? "frame odd" : "frame" }, box, name);
}

// Wires

function curveOf(points) {
  const [start, ...rest] = points;
  return `M${start} C${rest.map((point) => point.join(",")).join(" ")}`;
}

function addWire(graph, layers, { id, points, label }) {
  const [x, y] = points[0];
  const [endX, endY] = points[points.length - 1];
  const line = draw("path", { class: "line", d: curveOf(points), pathLength: 1 });
  const tip = draw("path", { class: "tip", d: `M${x},${y} l9,-5 v10 z` });
  const head = draw("path", { class: "head", d: `M${endX},${endY} l-6,-3 v6 z` });
  const group = draw("g", { class: "wire", "data-edge": id }, line, tip, head);
  tileOfWire(graph.tiles, layers.wires, points).append(group);
  const index = graph.model.eventOf.get(id);
  const wire = { group, points, text: null };
  if (index !== undefined) {
    const { amount, share, lean, zero } = graph.model.flow[index];
    group.classList.add("carries");
    if (zero) {
      group.classList.add("zero");
      line.removeAttribute("pathLength"); // dots as far apart on every wire
    }
    group.style.setProperty("--width", `${(1.4 + 4.6 * share).toFixed(2)}px`);
    setLean(group, lean);
    group.append(draw("path", { class: "reach", d: curveOf(points) }));
    if (label) {
      wire.text = drawLabel(label, amount, lean);
      tileAt(graph.tiles, layers.labels, ...label).append(wire.text);
    }
  }
  graph.wires.set(id, wire);
}

/** How wide the label of an amount is. */
function widthOf(amount) {
  return 8 * amount.length + 12;
}

/** The amount of a contribution on its wire. */
function drawLabel([x, y], amount, lean) {
  const width = widthOf(amount);
  const plate = draw("rect", { x: x - width / 2, y: y - 10, width, height: 20, rx: 10 });
  const label = draw("g", { class: "label" }, plate, draw("text", { x, y: y + 4 }, amount));
  setLean(label, lean);
  return label;
}

/** Colour by the signs of a gradient; null is one that is not finite. */
function setLean(element, lean) {
  const end = lean === null ? "var(--strange)" : lean < 0 ? "var(--negative)" : "var(--positive)";
  const share = lean === null ? 100 : Math.round(Math.abs(lean) * 100);
  element.style.setProperty("--gradient", `color-mix(in srgb, ${end} ${share}%, var(--balanced))`);
}

// Nodes

function addCircle(graph, layer, { id, symbol, x, y, width }) {
  const link = draw("path", { class: "link", d: `M${x + width},${y} h16` });
  const shape = draw("rect", { x, y: y - 16, width, height: 32, rx: 16 });
  const sign = draw("text", { x: x + width / 2, y: y + (symbol.length > 2 ? 4 : 6) }, symbol);
  const group = draw("g", { class: symbol.length > 2 ? "circle long" : "circle" }, link, shape, sign);
  tileAt(graph.tiles, layer, x, y).append(group);
  graph.circles.set(id, { group, box: { x, y: y - 16, width, height: 32 } });
}

function addBox(graph, layer, box) {
  const { id, name, shape, value, carries, x, y, width, height, copy } = box;
  const node = graph.model.node.get(id);
  const group = draw("g", {
    class: `node ${node.kind}${copy ? " copy" : ""}`,
    "data-node": id,
    role: "button",
    tabindex: "-1",
    transform: `translate(${x} ${y})`,
  });
  const clip = { rx: 9, width, height };
  const fill = draw("rect", { class: "fill", ...clip });
  group.append(draw("rect", { class: "body", ...clip }), fill, draw("rect", { class: "border", ...clip }));
  const title = draw("text", { class: "name", x: 12, y: 20 }, draw("tspan", {}, name));
  group.append(title);
  if (shape) group.append(draw("text", { class: "shape", x: width - 12, y: 20 }, shape));
  if (value) group.append(draw("text", { class: "value", x: 12, y: 37 }, value));
  const gradient = carries ? draw("text", { class: "gradient", x: 12, y: value ? 54 : 37 }) : null;
  if (gradient) group.append(gradient);
  tileAt(graph.tiles, layer, x, y).append(group);
  if (!graph.boxes.has(id)) graph.boxes.set(id, []);
  const drawn = { ...box, group, fill, gradient };
  graph.boxes.get(id).push(drawn);
  graph.order.push(drawn);
}

// States

/** Show the state of a position. From the neighbouring one this touches one wire and one tensor. */
function paint(graph, position) {
  const { model } = graph;
  if (graph.shown === null) {
    model.node.forEach((_, id) => paintBox(graph, id, position));
    graph.shown = 0;
  }
  const [low, high] = [Math.min(graph.shown, position), Math.max(graph.shown, position)];
  const changed = new Set();
  for (let i = low; i < Math.min(high, model.count); i++) {
    const event = model.events[i];
    graph.wires.get(event.edge).group.classList.toggle("passed", i < position);
    graph.wires.get(event.edge).text?.classList.toggle("passed", i < position);
    changed.add(event.target_id);
    const reached = operationReached(model, event.node, position);
    graph.circles.get(event.node).group.classList.toggle("passed", reached);
  }
  changed.forEach((id) => paintBox(graph, id, position));
  graph.shown = position;
  paintActive(graph, position);
}

/** A box fills from below: one part for every contribution that has arrived. */
function paintBox(graph, id, position) {
  const state = gradientAt(graph.model, id, position);
  for (const { group, fill, gradient } of graph.boxes.get(id) ?? []) {
    group.setAttribute("aria-label", describeNode(graph.model, id, state));
    if (!gradient) continue;
    gradient.textContent = state.array ? `∇ ${state.text}` : "∇ ·";
    group.classList.toggle("reached", state.array !== null);
    fill.style.setProperty("--level", state.expected ? state.arrived / state.expected : 0);
    setLean(group, state.lean);
  }
}

function describeNode(model, id, { array, text, arrived, expected }) {
  const node = model.node.get(id);
  const value = node.value.text === node.label ? "" : `, value ${node.value.text}`;
  const some = arrived < expected ? `, ${arrived} of ${expected} contributions` : "";
  const gradient = array ? `, gradient ${text}${some}` : expected ? ", no gradient yet" : "";
  return `${node.label}, ${node.kind}${value}${gradient}`;
}

/** Light up the wire of the event that has just happened, its operation, and both of its ends. */
function paintActive(graph, position) {
  for (const element of graph.lit ?? []) element.classList.remove("lit");
  graph.active.replaceChildren();
  const index = activeAt(graph.model, position);
  graph.lit = [];
  if (index === null) return;
  const event = graph.model.events[index];
  const wire = graph.wires.get(event.edge);
  const target = nearestBox(graph, event.target_id, wire.points[0]);
  keepStop(graph, target.group);
  graph.lit = [wire.group, graph.circles.get(event.node).group, target.group];
  if (wire.text) graph.lit.push(wire.text);
  else {
    const { amount, lean } = graph.model.flow[index];
    graph.active.append(drawLabel(placeOf(wire.points, widthOf(amount)), amount, lean));
  }
  restart(wire.group);
  for (const element of graph.lit) element.classList.add("lit");
}

/** Make a tensor the only tab stop of the graph. */
function keepStop(graph, group) {
  graph.stop?.setAttribute("tabindex", "-1");
  graph.stop = group;
  group.setAttribute("tabindex", "0");
}

/** Start the animation of a wire again, even if it was lit a moment ago. */
function restart(group) {
  const line = group.querySelector(".line");
  line.replaceWith(line.cloneNode());
}

/** Of the copies of a leaf, the one that a wire starts at. */
function nearestBox(graph, id, [x, y]) {
  const distance = (box) => Math.hypot(box.x + box.width - x, box.y + box.height / 2 - y);
  return graph.boxes.get(id).reduce((best, box) => (distance(box) < distance(best) ? box : best));
}

/** Where a label stands: in the middle of the first stretch that has room for it; where that leads
 * back to the left, in a long lane that no box touches, at its beginning. */
function placeOf(points, width) {
  for (let i = 0; i + 3 < points.length; i += 3) {
    const stretch = points.slice(i, i + 4);
    const [from, to] = [stretch[0], stretch[3]];
    if (from[0] - to[0] >= width) return [from[0] - width / 2, from[1]];
    if (to[0] - from[0] >= width) return middleOf(stretch);
  }
  return middleOf(points.slice(0, 4));
}

function middleOf([a, b, c, d]) {
  return [0, 1].map((i) => (a[i] + 3 * b[i] + 3 * c[i] + d[i]) / 8);
}

/** What the view should show of a position: the active wire with its ends, and most of all the
 * tensor that receives; null where nothing is active. */
function focusOf(graph, position) {
  const { model } = graph;
  const index = activeAt(model, position);
  if (index === null) return null;
  const event = model.events[index];
  const circle = graph.circles.get(event.node).box;
  const target = nearestBox(graph, event.target_id, graph.wires.get(event.edge).points[0]);
  const result = graph.boxes.get(model.edge.get(`${event.node}.out`).to)[0];
  return { whole: boundsOf([circle, target, result]), receiver: boundsOf([target]) };
}

function boundsOf(boxes) {
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  return { x, y, width: right - x, height: bottom - y };
}
