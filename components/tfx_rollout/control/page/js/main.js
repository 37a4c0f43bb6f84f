/* Where the page begins: who is signed in, which view the address names, and what is around it. */
import { app } from "./app.js";
import { session } from "./session.js";

addEventListener("hashchange", () => app.open());
addEventListener("unauthorised", (event) => {
  if (!session.me) return; // who is not signed in yet is asked for a token already
  session.signOut();
  app.open(event.detail);
});
setInterval(() => document.hidden || app.update(), 1000); // ages and deadlines go on
app.open();
