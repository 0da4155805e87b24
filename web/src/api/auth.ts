/** Login: exchanges a name and a password for a token. */

export interface LoginReply {
  token: string;
  user: string;
  role: string;
  expiresAt: string;
}

/** The token of a user; throws an Error whose message can be shown. */
export async function requestToken(username: string, password: string): Promise<LoginReply> {
  let response: Response;
  try {
    response = await fetch("/auth/login", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ username, password }),
    });
  } catch {
    throw new Error("NOVA does not answer. Is it running?");
  }
  const body = (await response.json()) as Partial<LoginReply> & { message?: string };
  if (!response.ok || body.token === undefined) {
    throw new Error(body.message ?? `Logging in failed (${response.status}).`);
  }
  return body as LoginReply;
}
