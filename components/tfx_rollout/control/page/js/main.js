/* Where the page begins: who is signed in, which view the address names, and what is around it. */
import { app } from "./app.js";
import { session } from "./session.js";

addEventListener("hashchange", () => app.open());
addEventListener("unauthorised", (event) => {
  const was = session.token;
  session.signOut();
  app.open(was ? event.detail : "");
});
setInterval(() => document.hidden || app.update(), 1000); // ages and deadlines go on
app.open();
