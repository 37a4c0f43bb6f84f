/* Who is signed in. The token is kept in this tab only, and forgotten with it. */

const TOKEN = "tfx-rollout.token";
const ROLES = ["read", "operate", "admin"];

export const session = {
  /* As /v1/me says it; null before that, and when a token is needed. */
  me: null,
  get token() {
    return sessionStorage.getItem(TOKEN);
  },
  signIn(token) {
    sessionStorage.setItem(TOKEN, token);
  },
  signOut() {
    sessionStorage.removeItem(TOKEN);
    this.me = null;
  },
  /* Whether the role allows what `role` allows. The server decides; this is for what to offer. */
  may(role) {
    return this.me !== null && ROLES.indexOf(this.me.role) >= ROLES.indexOf(role);
  },
};
