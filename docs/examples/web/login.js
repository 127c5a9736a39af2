// Logging in at an OpenID provider from a page: the authorization code flow with PKCE (RFC 7636), which
// needs no secret in the page. The provider's token stays in memory and is shown to the gateway alone.

/** Leaves for the provider's login page; it comes back to `redirect` with a code. */
export async function leave({ authorize, client, redirect }) {
  const [verifier, state, nonce] = [random(), random(), random()];
  sessionStorage.setItem("login", JSON.stringify({ verifier, state, nonce }));
  const asked = new URLSearchParams({
    response_type: "code", scope: "openid", client_id: client, redirect_uri: redirect,
    state, nonce, code_challenge: await digest(verifier), code_challenge_method: "S256",
  });
  location.assign(`${authorize}?${asked}`);
}

/** The provider's id token, once it has come back with a code; null before. */
export async function arrive({ token, client, redirect }) {
  const said = new URLSearchParams(location.search);
  const kept = JSON.parse(sessionStorage.getItem("login") ?? "null");
  if (!said.has("code") || kept === null) return null;
  sessionStorage.removeItem("login"); // a code serves once
  history.replaceState(null, "", redirect); // and does not stay in the address
  if (said.get("state") !== kept.state) throw new Error("the login was begun somewhere else");
  const answer = await fetch(token, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code", code: said.get("code"), client_id: client,
      redirect_uri: redirect, code_verifier: kept.verifier,
    }),
  });
  if (!answer.ok) throw new Error("the provider gave no token");
  const { id_token: login } = await answer.json();
  if (payload(login).nonce !== kept.nonce) throw new Error("the token is of another login");
  return login;
}

const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const digest = async (text) =>
  base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
const payload = (jwt) => JSON.parse(atob(jwt.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
