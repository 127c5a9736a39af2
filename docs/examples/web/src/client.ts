// The suite over gRPC-Web, with the types of the contract: a client for one person who is logged in.
import { Code, ConnectError, createClient, type Client, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { ConsentService } from "./gen/veilgraph/consent/v1/consent_pb.js";
import { TokenService } from "./gen/veilgraph/identity/v1/tokens_pb.js";
import { RecommenderService } from "./gen/veilgraph/recommender/v1/recommender_pb.js";
import { ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";

export interface Person {
  /** The app's id of the person: the one subject that these clients may name. */
  subject: string;
  consent: Client<typeof ConsentService>;
  recommender: Client<typeof RecommenderService>;
}

/** Exchanges a login for clients that speak for whoever logged in, for a quarter of an hour. */
export async function open(gateway: string, login: string): Promise<Person> {
  const tokens = createClient(TokenService, transport(gateway, login));
  const given = await tokens.exchangeToken({ requestId: crypto.randomUUID() });
  const own = transport(gateway, given.accessToken);
  return {
    subject: given.subject,
    consent: createClient(ConsentService, own),
    recommender: createClient(RecommenderService, own),
  };
}

/** Why a call was refused: the reason that programs go by, and the id to tell an operator. */
export function why(error: unknown): { code: string; reason: string; requestId: string } {
  const refused = ConnectError.from(error);
  const [info] = refused.findDetails(ErrorInfoSchema);
  return { code: Code[refused.code], reason: info?.reason ?? "", requestId: info?.metadata["request_id"] ?? "" };
}

function transport(gateway: string, token: string) {
  const authorized: Interceptor = (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  return createGrpcWebTransport({ baseUrl: gateway, interceptors: [authorized], defaultTimeoutMs: 5000 });
}
