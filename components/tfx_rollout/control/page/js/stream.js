/* Server-sent events by `fetch`, since EventSource cannot send the Authorization header.

   A stream that breaks is taken up again where it was (Last-Event-ID), after a pause that doubles from half a second
   to ten. A hidden tab lets go of its connection, since browsers have only six a server, and takes it up when it is seen. */
import { headers, problemOf } from "./api.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;
const SILENCE = 40_000; // the server says something every 15 s

export class Stream {
  #where;
  #hears;
  #tells;
  #last = "";
  #pause = FIRST_PAUSE;
  #timer = 0;
  #silence = 0;
  #abort = null;
  #ended = false;
  #wake = () => this.#look();

  /* `hears(type, document)` gets each event; `tells(state, detail)` "live", "reconnecting" (with the milliseconds until
     then), "asleep", "ended" (the server said the last word) or "refused" (with the problem). */
  constructor(where, hears, tells) {
    this.#where = where;
    this.#hears = hears;
    this.#tells = tells;
    document.addEventListener("visibilitychange", this.#wake);
    addEventListener("online", this.#wake);
    this.#open();
  }

  close() {
    this.#ended = true;
    document.removeEventListener("visibilitychange", this.#wake);
    removeEventListener("online", this.#wake);
    this.#drop();
  }

  /* No more is to come: what is followed has ended, so the end of the stream is no fault. */
  finish() {
    this.close();
    this.#tells("ended");
  }

  #look() {
    if (document.hidden) {
      this.#drop();
      this.#tells("asleep");
    } else if (!this.#abort) {
      this.#pause = FIRST_PAUSE;
      clearTimeout(this.#timer);
      this.#open();
    }
  }

  #drop() {
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    this.#abort?.abort();
    this.#abort = null;
  }

  async #open() {
    const abort = new AbortController();
    this.#abort = abort;
    try {
      const more = this.#last ? { "Last-Event-ID": this.#last } : {};
      const answer = await fetch(this.#where, {
        headers: headers({ Accept: "text/event-stream", ...more }),
        signal: abort.signal,
        cache: "no-store",
      });
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) {
        const problem = await problemOf(answer);
        this.close();
        this.#tells("refused", problem);
        return;
      }
      if (answer.ok) await this.#read(answer.body.pipeThrough(new TextDecoderStream()).getReader(), abort);
    } catch {
      // No connection, or it broke: both are told below.
    }
    if (this.#abort === abort) this.#again();
  }

  async #read(reader, abort) {
    let text = "";
    this.#tells("live");
    for (;;) {
      clearTimeout(this.#silence);
      this.#silence = setTimeout(() => abort.abort(), SILENCE);
      const { done, value } = await reader.read();
      if (done || this.#ended) return;
      this.#pause = FIRST_PAUSE;
      const blocks = (text + value).replaceAll("\r\n", "\n").split("\n\n");
      text = blocks.pop();
      for (const block of blocks) this.#take(block);
    }
  }

  #take(block) {
    let type = "message";
    const data = [];
    for (const line of block.split("\n")) {
      const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
      if (field === "event") type = value;
      else if (field === "data") data.push(value);
      else if (field === "id") this.#last = value;
    }
    if (data.length && !this.#ended) this.#hears(type, JSON.parse(data.join("\n")));
  }

  #again() {
    this.#drop();
    if (this.#ended) return;
    this.#tells("reconnecting", this.#pause);
    this.#timer = setTimeout(() => this.#open(), this.#pause * (0.8 + 0.4 * Math.random()));
    this.#pause = Math.min(LONGEST_PAUSE, 2 * this.#pause);
  }
}
