/** Login: exchanges a name and a password, or the cookie of an earlier reply, for an access token. */

export interface LoginReply {
  token: string;
  user: string;
  role: string;
  expiresInS: number;
  /** When the session ends however often it is renewed; absent if it does not. */
  sessionEndsInS?: number;
  /** The password was set by somebody else; the token is good for changing it only. */
  mustChangePassword?: boolean;
}

const NO_SESSION = 204;
const SESSION_ENDED = 401;
const NO_ANSWER = "NOVA does not answer. Is it running?";

/** The first token of a session; throws an Error whose message can be shown. */
export async function requestToken(username: string, password: string): Promise<LoginReply> {
  const response = await post("/auth/login", { username, password });
  const body = (await response.json()) as Partial<LoginReply> & { message?: string };
  if (!response.ok || body.token === undefined) {
    throw new Error(body.message ?? `Logging in failed (${response.status}).`);
  }
  return body as LoginReply;
}

/** The next token of this browser's session; undefined if there is none or it has ended. Throws if NOVA is away. */
export async function renewToken(): Promise<LoginReply | undefined> {
  const response = await post("/auth/refresh", {});
  if (response.status === NO_SESSION || response.status === SESSION_ENDED) return undefined;
  if (!response.ok) throw new Error(`Renewing the session failed (${response.status}).`);
  return (await response.json()) as LoginReply;
}

async function post(path: string, body: object): Promise<Response> {
  try {
    return await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Error(NO_ANSWER);
  }
}
