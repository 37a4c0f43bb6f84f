/* The report of what is followed, read anew whenever something happened, but not more often than anybody can read. */
import { getIfNew } from "../api.js";

const BETWEEN = 700; // ms

export function reportOf(app, where) {
  let found = null; // { etag, document }
  let wanted = false;
  let busy = false;
  let closed = false;
  return {
    /* As it was read last; null before the first time. */
    get document() {
      return found?.document ?? null;
    },
    async read() {
      wanted = true;
      if (busy) return;
      busy = true;
      while (wanted && !closed) {
        wanted = false;
        try {
          found = await getIfNew(`${where}/report`, found);
        } catch (problem) {
          if (!found && problem.status) app.fail(problem);
        }
        app.update();
        await new Promise((go) => setTimeout(go, BETWEEN));
      }
      busy = false;
    },
    close() {
      closed = true;
    },
  };
}
