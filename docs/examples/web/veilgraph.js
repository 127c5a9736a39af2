// The suite over JSON, for a browser and one person, with nothing but fetch. See docs/phones.md.

/** A refusal: `reason` is what programs go by, `requestId` what an operator asks for. */
export class Refused extends Error {
  constructor(status, body) {
    super(body.message);
    const info = (body.details ?? []).find((one) => one["@type"].endsWith("google.rpc.ErrorInfo"));
    this.status = status;
    this.reason = info?.reason ?? "";
    this.requestId = info?.metadata?.request_id ?? "";
  }
}

/** One person at one gateway; calls name nobody else. */
export class Person {
  #gateway;
  #login;
  #token = "";
  #ends = 0;

  /**
   * @param gateway the gateway's origin, e.g. "https://api.shop.example"
   * @param login an async function that gives a fresh token of the login provider
   */
  constructor(gateway, login) {
    this.#gateway = gateway;
    this.#login = login;
    this.subject = "";
  }

  /** Posts to a path of the contract (openapi.json); the answer's JSON. Throws Refused. */
  async call(path, body) {
    if (Date.now() >= this.#ends) await this.#exchange();
    return post(this.#gateway + path, this.#token, { ...body, subject: this.subject });
  }

  async #exchange() {
    const requestId = crypto.randomUUID();
    const given = await post(`${this.#gateway}/v1/tokens:exchange`, await this.#login(), { requestId });
    this.#token = given.accessToken;
    this.#ends = Date.now() + (given.expiresIn - 30) * 1000;
    this.subject = given.subject;
  }
}

/** One call; tokens travel in the header alone, and no cookie goes along. */
export async function post(url, token, body) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    credentials: "omit",
    referrerPolicy: "no-referrer",
  });
  const said = await answer.json();
  if (!answer.ok) throw new Refused(answer.status, said);
  return said;
}
