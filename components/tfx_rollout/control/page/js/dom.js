/* Building and updating the document: a view says what should be there, and `render` makes it so, in place.

   h(tag, attributes, ...children) describes an element; text is always text, never markup. What is there already
   is kept: focus, selection, scroll, open details and what somebody is typing survive every update.
   Attributes beside HTML's own:
     key      tells siblings apart, so that an element moves with what it shows
     on       listeners by event: { click: (event) => … }
     vars     custom properties of its style: { share: 0.3 } is --share
     value    of a field, set once; what a person types is theirs
     made     called with the element when it is new; its result, if any, when it is taken away again
     shown    called with the element after every update, when it is in the document
     own      true: what is inside is somebody else's and left alone */

const SVG = "http://www.w3.org/2000/svg";
const kept = new WeakMap(); // element → its description and what to call at its end

export function h(tag, attributes, ...children) {
  return { tag, attributes: attributes ?? {}, children: flat(children) };
}

/* `build(...sources)`, called again only when one of the sources is another object; the same description is skipped at once. */
export function memo(build) {
  let before = [];
  let built = null;
  return (...sources) => {
    if (built === null || sources.some((source, i) => source !== before[i])) [before, built] = [sources, build(...sources)];
    return built;
  };
}

export function render(place, ...wanted) {
  children(place, flat(wanted));
  waiting.splice(0).forEach((shown) => shown());
}

const waiting = [];

const flat = (parts) => parts.flat(Infinity).filter((part) => part != null && part !== false && part !== "");

function children(place, wanted) {
  const keyed = new Map();
  for (const node of place.childNodes) {
    const key = kept.get(node)?.attributes.key;
    if (key != null) keyed.set(key, node);
  }
  let here = place.firstChild;
  for (const part of wanted) {
    const found = match(part, here, keyed);
    const node = found ? update(found, part) : create(part);
    if (node === here) here = here.nextSibling;
    else place.insertBefore(node, here);
  }
  while (here) {
    const after = here.nextSibling;
    end(here);
    here.remove();
    here = after;
  }
}

function match(part, here, keyed) {
  if (typeof part !== "object") return here?.nodeType === Node.TEXT_NODE ? here : null;
  const { key } = part.attributes;
  const node = key != null ? keyed.get(key) : here;
  const before = node && kept.get(node);
  return before && before.tag === part.tag && before.attributes.key === key ? node : null;
}

function create(part) {
  if (typeof part !== "object") return document.createTextNode(part);
  const svg = part.tag === "svg" || part.tag === "path" || part.tag === "circle";
  const node = svg ? document.createElementNS(SVG, part.tag) : document.createElement(part.tag);
  const { made, shown, value, own } = part.attributes;
  kept.set(node, { tag: part.tag, attributes: {} });
  attributes(node, {}, part.attributes);
  if (!own) children(node, part.children);
  if (value != null) node.value = value;
  const gone = made?.(node);
  if (shown) waiting.push(() => shown(node));
  kept.set(node, { tag: part.tag, attributes: part.attributes, part, gone });
  return node;
}

function update(node, part) {
  if (typeof part !== "object") {
    if (node.data !== String(part)) node.data = part;
    return node;
  }
  const before = kept.get(node);
  if (before.part === part) return node; // described by the very same object: nothing has changed
  before.part = part;
  attributes(node, before.attributes, part.attributes);
  if (!part.attributes.own) children(node, part.children);
  before.attributes = part.attributes;
  const { shown } = part.attributes;
  if (shown) waiting.push(() => shown(node));
  return node;
}

function end(node) {
  for (const child of node.childNodes) end(child);
  kept.get(node)?.gone?.();
}

const SPECIAL = new Set(["key", "on", "vars", "value", "made", "shown", "own"]);

function attributes(node, before, wanted) {
  for (const name of new Set([...Object.keys(before), ...Object.keys(wanted)])) {
    if (SPECIAL.has(name) || before[name] === wanted[name]) continue;
    const value = wanted[name];
    if (name === "checked" || name === "selected") node[name] = Boolean(value);
    else if (value == null || value === false) node.removeAttribute(name);
    else node.setAttribute(name, value === true ? "" : value);
  }
  for (const [name, value] of Object.entries(wanted.vars ?? {})) {
    if (before.vars?.[name] !== value) node.style.setProperty(`--${name}`, value);
  }
  listeners(node, before.on ?? {}, wanted.on ?? {});
}

function listeners(node, before, wanted) {
  for (const [event, listener] of Object.entries(before)) {
    if (wanted[event] !== listener) node.removeEventListener(event, listener);
  }
  for (const [event, listener] of Object.entries(wanted)) {
    if (before[event] !== listener) node.addEventListener(event, listener);
  }
}
