/** The session: the user, the socket and the status of the Core. */

import { signal } from "@preact/signals";
import { requestToken as askToken } from "../../api/auth";
import type { DefaultView, Reply, Request, StatusResponse } from "../../api/protocol";
import {
  type ConnectionState,
  CORE_UNAVAILABLE,
  type ExportFrame,
  RequestError,
  Socket,
  type StreamFrame,
} from "../../api/socket";
import { Emitter } from "../../emitter";

const TOKEN_KEY = "nova.token";
const USER_KEY = "nova.user";
const ROLE_KEY = "nova.role";

export const user = signal<string | null>(null);
/** `viewer`, `operator` or `admin`. The server enforces it; the page uses it to explain refusals. */
export const role = signal("");
export const connection = signal<ConnectionState>("connecting");
export const status = signal<StatusResponse | null>(null);
export const notice = signal<string>("");
/** The instance's default view; null if it has none. */
export const defaultView = signal<DefaultView | null>(null);
/** Whether the edge answers while the Core behind it does not. */
export const coreUnavailable = signal(false);

let socket: Socket | undefined;

/** Frames of the stream, in the order of the connection. */
export const streamFrames = new Emitter<[frame: StreamFrame]>();
/** Progress and results of exports. */
export const exportFrames = new Emitter<[frame: ExportFrame]>();
/** Emits at every connection that is open and authenticated, including the first. */
export const connections = new Emitter<[]>();

/** The token of this session, for HTTP requests; empty if nobody is logged in. */
export function token(): string {
  return sessionStorage.getItem(TOKEN_KEY) ?? "";
}

/** Log in and connect; throws an Error that can be shown. */
export async function login(name: string, password: string): Promise<void> {
  const found = await askToken(name, password);
  sessionStorage.setItem(TOKEN_KEY, found.token);
  sessionStorage.setItem(USER_KEY, found.user);
  sessionStorage.setItem(ROLE_KEY, found.role);
  connect(found.token, found.user);
}

/** Continue with the token of this tab, if it has one. */
export function resume(): void {
  if (token() !== "") connect(token(), sessionStorage.getItem(USER_KEY) ?? "");
}

/** Forget the token and close the connection. */
export function logout(message = ""): void {
  sessionStorage.removeItem(TOKEN_KEY);
  sessionStorage.removeItem(USER_KEY);
  sessionStorage.removeItem(ROLE_KEY);
  socket?.close();
  socket = undefined;
  connection.value = "connecting";
  user.value = null;
  status.value = null;
  notice.value = message;
}

/** Open a new connection with the same token. */
export function reconnect(): void {
  socket?.reconnect();
}

/** The reply to a request on the session's socket. */
export function request<T extends Reply["type"]>(
  message: Exclude<Request, { type: "auth" }>,
  reply: T,
): Promise<Extract<Reply, { type: T }>> {
  if (socket === undefined) return Promise.reject(new Error("not logged in"));
  return socket.request(message, reply);
}

function connect(secret: string, name: string): void {
  socket?.close();
  role.value = sessionStorage.getItem(ROLE_KEY) ?? "";
  user.value = name;
  notice.value = "";
  coreUnavailable.value = false;
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new Socket(`${scheme}//${location.host}/ws`, secret, {
    connection: onConnectionState,
    stream: (frame) => streamFrames.emit(frame),
    exporting: (frame) => exportFrames.emit(frame),
    welcome: (reply) => onAuthenticated(reply.defaultView ?? null),
    error: (error) => {
      if (error.code === CORE_UNAVAILABLE) coreUnavailable.value = true;
      else notice.value = error.message;
    },
  });
}

/** A reconnection sends the same view again; only a changed one is applied. */
function onAuthenticated(view: DefaultView | null): void {
  if (JSON.stringify(view) !== JSON.stringify(defaultView.value)) defaultView.value = view;
}

function onConnectionState(state: ConnectionState): void {
  connection.value = state;
  if (state === "refused") logout("Your session has ended. Please log in again.");
  if (state === "open") connections.emit();
}

/** Request the state of the Core; while it is away the last reply remains. */
export async function refreshStatus(): Promise<void> {
  try {
    status.value = await request({ type: "status" }, "statusResponse");
    coreUnavailable.value = false;
  } catch (error) {
    // The banner reports a lost connection.
    if (error instanceof RequestError && error.code === CORE_UNAVAILABLE) coreUnavailable.value = true;
  }
}
