/* Addresses within the page: `#/models/taxi/rollouts/<id>`. They can be kept and sent to others. */

const VIEWS = [
  ["overview", /^\/?$/],
  ["model", /^\/models\/([^/]+)$/],
  ["rollout", /^\/models\/([^/]+)\/rollouts\/([^/]+)$/],
  ["experiment", /^\/models\/([^/]+)\/experiments\/([^/]+)$/],
  ["access", /^\/access$/],
];

/* The view that the address names, and the names in it: `["rollout", "taxi", "2026…"]`. */
export function route(hash = location.hash) {
  const where = hash.replace(/^#/, "").replace(/(.)\/$/, "$1");
  for (const [view, form] of VIEWS) {
    const found = form.exec(where);
    if (found) return [view, ...found.slice(1).map(decode)];
  }
  return ["missing"];
}

export const link = (...parts) => `#/${parts.map(encodeURIComponent).join("/")}`;

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a stray % is part of the name
  }
}
