/* What somebody wants otherwise, over a configuration as it is. Pure.

   Edits are kept apart from what they are made on, so that they can be made on a newer configuration as well:
   { topology, holds: version → "no", "loaded" or "pinned", aliases: name → version, or null where it goes }. */

export const noEdits = () => ({ topology: null, holds: new Map(), aliases: new Map() });

export const topologyOf = (desired, edits) => edits.topology ?? desired.topology;

/* The operator's own names, in order, with their versions. */
export function aliasesOf(desired, edits) {
  const found = { ...desired.aliases, ...Object.fromEntries(edits.aliases) };
  return Object.fromEntries(Object.entries(found).filter(([, version]) => version != null).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/* The names because of which a version is held anyhow. */
export const namesOf = (desired, edits, version) =>
  Object.entries({ ...desired.labels, ...aliasesOf(desired, edits) })
    .filter(([, named]) => named === version)
    .map(([name]) => name);

/* How a version is held beside its names. */
export function holdOf(desired, edits, version) {
  const hold = edits.holds.get(version) ?? begunWith(desired, version);
  return hold === "loaded" && namesOf(desired, edits, version).length ? "no" : hold;
}

function begunWith(desired, version) {
  if (desired.pinned.includes(version)) return "pinned";
  return desired.versions.includes(version) && !namesOf(desired, noEdits(), version).length ? "loaded" : "no";
}

/* The versions that are held, or were, or are named. */
export const versionsOf = (desired, edits) => [...new Set([...desired.versions, ...edits.holds.keys(), ...Object.values(aliasesOf(desired, edits))])];

/* What is to be asked for: the fields that differ, and nothing where none does. */
export function wantedOf(desired, edits) {
  const held = (hold, by) => versionsOf(desired, edits).filter((version) => holdOf(desired, by, version) === hold).sort((one, other) => one - other);
  const fields = {
    topology: (by) => topologyOf(desired, by),
    versions: (by) => held("loaded", by),
    pinned: (by) => held("pinned", by),
    aliases: (by) => aliasesOf(desired, by),
  };
  const differs = (of) => JSON.stringify(of(edits)) !== JSON.stringify(of(noEdits()));
  return Object.fromEntries(Object.entries(fields).filter(([, of]) => differs(of)).map(([name, of]) => [name, of(edits)]));
}

/* How a version is held, in words; what holds it beside its names comes first. */
function heldInWords(desired, edits, version) {
  const hold = holdOf(desired, edits, version);
  if (hold !== "no") return hold;
  return namesOf(desired, edits, version).length ? "loaded as long as it has a name" : "not loaded";
}

/* The same as sentences. */
export function editsInWords(desired, edits) {
  const before = noEdits();
  const [names, named] = [aliasesOf(desired, edits), aliasesOf(desired, before)];
  const topology = topologyOf(desired, edits);
  return [
    topology !== desired.topology && `Topology: ${topology}, was ${desired.topology}.`,
    ...versionsOf(desired, edits)
      .filter((version) => holdOf(desired, edits, version) !== holdOf(desired, before, version))
      .map((version) => `Version ${version}: ${heldInWords(desired, edits, version)}, was ${heldInWords(desired, before, version)}.`),
    ...Object.keys({ ...named, ...names })
      .filter((name) => names[name] !== named[name])
      .map((name) => (names[name] == null ? `Alias ${name} goes; requests for it fail.` : `Alias ${name}: version ${names[name]}${named[name] == null ? "" : `, was version ${named[name]}`}.`)),
  ].filter(Boolean);
}
