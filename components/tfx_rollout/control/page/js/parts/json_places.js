/* Where in a JSON text the value of a field stands, so that a fault can be shown at its field. */

/* `[from, to]` in the text for a field such as `stages[1].share`; the nearest one around it where it is not there. */
export function placeOf(text, field) {
  const wanted = field.match(/[^.[\]]+/g) ?? [];
  for (let depth = wanted.length; depth > 0; depth--) {
    const found = places(text).get(wanted.slice(0, depth).join("."));
    if (found) return found;
  }
  return null;
}

/* All fields of a text that is nearly JSON: path joined by dots → where it stands, its name with it. */
function places(text) {
  const found = new Map();
  const token = /"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g;
  const tokens = [...text.matchAll(token)].map((one) => ({ text: one[0], at: one.index, end: one.index + one[0].length }));
  let next = 0;
  const value = (path, from) => {
    const first = tokens[next++];
    if (!first) return;
    let last = first;
    if (first.text === "{" || first.text === "[") {
      for (let i = 0; next < tokens.length && !/^[\]}]$/.test(tokens[next].text); i++) {
        const start = tokens[next];
        let name = i;
        if (first.text === "{") {
          name = start.text.replace(/^"|"$/g, "");
          next++;
          if (tokens[next]?.text === ":") next++;
        }
        value([...path, name], start.at);
        if (tokens[next]?.text === ",") next++;
      }
      last = tokens[next++] ?? last;
    }
    found.set(path.join("."), [from ?? first.at, last.end]);
  };
  value([]);
  return found;
}
