/* Figures, times and names as people read them; the charts' own for what charts show, too. */
export const { digits, evidence, ms, percent, rate, utc } = Charts;

export const words = (name) => String(name).replaceAll("_", " ");
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
export const integer = (value) => value.toLocaleString("en", { maximumFractionDigits: 0 });
export const plural = (count, one, many = `${one}s`) => `${integer(count)}\u00a0${count === 1 ? one : many}`;
export const listed = (parts) => (parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`);
export const now = () => Date.now() / 1000;

/* `8 s`, `12 min 5 s`, `3 h 20 min`, `4 days`. */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}\u00a0s`;
  const [minutes, hours, days] = [Math.floor(whole / 60), Math.floor(whole / 3600), Math.floor(whole / 86_400)];
  if (days > 1) return `${days}\u00a0days`;
  if (hours) return `${hours}\u00a0h${minutes % 60 ? ` ${minutes % 60}\u00a0min` : ""}`;
  return `${minutes}\u00a0min${minutes < 10 && whole % 60 ? ` ${whole % 60}\u00a0s` : ""}`;
}

/* How long ago, coarsely, so that it need not change every second. */
export function ago(at) {
  const seconds = now() - at;
  if (seconds < 5) return "just now";
  return `${duration(seconds < 60 ? 5 * Math.floor(seconds / 5) : 60 * Math.floor(seconds / 60))} ago`;
}

export function bytes(count) {
  if (count < 1000) return `${count}\u00a0B`;
  const step = Math.min(4, Math.floor(Math.log10(count) / 3));
  return `${digits(count / 1000 ** step)}\u00a0${["", "kB", "MB", "GB", "TB"][step]}`;
}

/* Content digests are long; people compare the beginning. */
export const short = (digest) => digest.replace(/^sha256:/, "").slice(0, 12);
