// node dist/main.js GATEWAY, with the provider's token in LOGIN: asks about oneself, and tries somebody else.
import { open, why } from "./client.js";

const [gateway = "http://127.0.0.1:8080", other = "vs_somebody_else"] = process.argv.slice(2);
const person = await open(gateway, process.env["LOGIN"] ?? "");
const state = await person.consent.getState({ subject: person.subject });
const refused = await person.consent.getState({ subject: other }).catch(why);
console.log(JSON.stringify({ subject: person.subject, taxonomy: state.taxonomyVersion, refused }));
