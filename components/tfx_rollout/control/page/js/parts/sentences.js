/* Reasons are whole paragraphs: the first sentence says it, the rest is there for who wants to know. */
import { h } from "../dom.js";

const FIRST = /^(.+?[.!?])\s+(?=\p{Lu})(.+)$/su;

/* The first sentence and what follows it, both as texts. */
const split = (text) => FIRST.exec(text)?.slice(1) ?? [text, ""];

/* In a table or a card: the rest opens below. */
export function sentences(text) {
  const [first, rest] = split(text);
  return rest ? opening(first, rest) : first;
}

/* The same of sentences that are apart already. */
export const reasonsOf = ([first, ...rest]) => (rest.length ? opening(first, rest.join(" ")) : sentences(first ?? ""));

const opening = (first, rest) => h("details", { class: "rest" }, h("summary", {}, first), h("p", {}, rest));

/* At the head of a view. */
export function lead(text) {
  const [first, rest] = split(text);
  return [h("p", { class: "reason", key: "reason" }, first), rest && h("details", { class: "rest", key: "rest" }, h("summary", { class: "soft" }, "All of the reason"), h("p", {}, rest))];
}
