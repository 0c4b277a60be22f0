// Numbers and arrays as elements: small arrays whole as tables, large ones as a summary and a strip.

/** An element with attributes and children; text is always text, never markup. */
function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A number in at most four significant digits, written as in the pictures. */
function format(value) {
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "number") return String(value);
  if (value === 0) return "0";
  const [digits, exponent] = value.toExponential(3).split("e");
  const power = Number(exponent);
  const text =
    power < -4 || power >= 4 ? `${Number(digits)}e${power}` : String(Number(value.toPrecision(4)));
  return text.replaceAll("-", "−");
}

function formatIn(array, value) {
  const whole = /^u?int/.test(array.dtype);
  return whole ? String(value).replace("-", "−") : format(value);
}

function sizeOf(array) {
  return array.shape.reduce((product, length) => product * length, 1);
}

function shapeText(array) {
  return array.shape.join(" × ");
}

/** The elements of a whole array as rows, with the index of each row where it is not plain. A row
 * that is wider than the page goes on in the next line. */
function rowsOf(array) {
  const { shape, whole } = array;
  if (shape.length === 0) return [{ index: "", cells: [whole] }];
  if (shape.length === 1) return [{ index: "", cells: whole }];
  const leading = shape.slice(0, -1);
  const rows = whole.flat(leading.length - 1);
  return rows.map((cells, i) => ({ index: shape.length > 2 ? unravel(i, leading).join(", ") : "", cells }));
}

function unravel(flat, shape) {
  const index = [];
  for (const length of [...shape].reverse()) {
    index.unshift(flat % length);
    flat = Math.floor(flat / length);
  }
  return index;
}

/** The colour of a number on the scale of an array: its sign, and how large it is in it. */
function heat(value, largest) {
  if (typeof value !== "number") return "var(--strange)";
  const share = largest > 0 ? Math.abs(value) / largest : 0;
  const end = value < 0 ? "var(--negative)" : "var(--positive)";
  return `color-mix(in srgb, ${end} ${Math.round(100 * Math.sqrt(share))}%, var(--raised))`;
}

function largestOf(numbers) {
  return numbers.reduce((top, x) => (typeof x === "number" ? Math.max(top, Math.abs(x)) : top), 0);
}

/** An array as an element: a number, a table, or a summary. */
function arrayElement(array) {
  if (array === null) return make("span", { class: "none" }, "–");
  if (array.whole === undefined) return summaryElement(array);
  if (sizeOf(array) === 1) {
    const value = [array.whole].flat(Infinity)[0];
    return make("span", { class: "number", title: String(value) }, formatIn(array, value));
  }
  if (sizeOf(array) === 0) return make("span", { class: "none" }, "empty");
  return tableElement(array);
}

function tableElement(array) {
  const numbers = [array.whole].flat(Infinity);
  const largest = largestOf(numbers);
  const longest = Math.max(...numbers.map((value) => formatIn(array, value).length));
  const rows = rowsOf(array).map(({ index, cells }) => {
    const head = index === "" ? null : make("th", { scope: "row", role: "rowheader" }, String(index));
    return make("tr", { role: "row" }, head, ...cells.map((value) => cellElement(array, value, largest)));
  });
  const look = rows.length > 1 ? "array matrix" : "array";
  const table = make("table", { class: look, role: "table" }, make("tbody", { role: "rowgroup" }, ...rows));
  table.style.setProperty("--longest", longest);
  return make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `array ${shapeText(array)}` }, table);
}

function cellElement(array, value, largest) {
  const cell = make("td", { role: "cell", title: String(value) }, formatIn(array, value));
  cell.style.setProperty("--heat", heat(value, largest));
  return cell;
}

function summaryElement(array) {
  const facts = ["min", "mean", "max", "norm"].map((key) =>
    make("div", {}, make("dt", {}, key), make("dd", { "data-fact": key, title: String(array[key]) }, format(array[key]))),
  );
  return make("div", {}, stripElement(array), make("dl", { class: "facts" }, ...facts));
}

/** The means of equal stretches of a large array, side by side. */
function stripElement(array) {
  const largest = largestOf(array.strip);
  const strip = make("div", { class: "heat", role: "img", "aria-label": `means of ${array.strip.length} stretches` });
  for (const value of array.strip) {
    const cell = make("i", { title: format(value) });
    cell.style.setProperty("--heat", heat(value, largest));
    strip.append(cell);
  }
  return strip;
}
