/** The session: the user, the socket and the status of the Core. */

import { computed, signal } from "@preact/signals";
import { type LoginReply, requestToken } from "../../api/auth";
import type { AlarmUpdates, DefaultView, Reply, Request, StatusResponse, StatusUpdate } from "../../api/protocol";
import {
  type ConnectionState,
  CORE_UNAVAILABLE,
  type ExportFrame,
  RequestError,
  Socket,
  type StreamFrame,
} from "../../api/socket";
import { Emitter } from "../../emitter";
import { scheduler } from "../../scheduler";
import { forgetLogin, heldLogin, holdLogin, renewLogin, scheduleRenewal } from "./access_token";

/** A server that has answered nothing for this long does not answer. */
const UNANSWERED_MIN_MS = 3_000;
const RETRY_MS = 5_000;
const SESSION_ENDED = "Your session has ended. Please log in again.";

export const user = signal<string | null>(null);
/** `viewer`, `operator` or `admin`. The server enforces it; the page uses it to explain refusals. */
export const role = signal("");
/** Whether the password was set by somebody else and has to be replaced first. */
export const mustChangePassword = signal(false);
export const connection = signal<ConnectionState>("connecting");
export const status = signal<StatusResponse | null>(null);
export const notice = signal<string>("");
/** The instance's default view; null if it has none. */
export const defaultView = signal<DefaultView | null>(null);
/** Whether the edge answers while the Core behind it does not. */
export const coreUnavailable = signal(false);
/** For how many seconds the server has answered nothing, although the page has asked; 0 while it answers. */
export const unansweredS = signal(0);

/** Why nothing of the present arrives: the connection, the server or the Core is away; empty while it does. */
export const absence = computed(() => {
  if (connection.value === "lost") return "The connection is lost.";
  if (unansweredS.value > 0) return "The server does not answer.";
  return coreUnavailable.value ? "The Core does not answer." : "";
});

let socket: Socket | undefined;
/** The reply of the Core on this connection to the request to send its state; undefined if it is not asked. */
let followed: Promise<void> | undefined;

/** Frames of the stream, in the order of the connection. */
export const streamFrames = new Emitter<[frame: StreamFrame]>();
/** Progress and results of exports. */
export const exportFrames = new Emitter<[frame: ExportFrame]>();
/** What changed of the alarms that this connection follows. */
export const alarmFrames = new Emitter<[frame: AlarmUpdates]>();
/** Emits at every connection that is open and authenticated, including the first. */
export const connections = new Emitter<[]>();
/** Emits when replies are to be had again: after a reconnection, a silence of the server, or an absence of the Core. */
export const recoveries = new Emitter<[]>();
/** Whether there was a connection of this user before. */
let wasConnected = false;

/** The token of this session, for what is not asked over the socket; empty where nobody is logged in. */
export function token(): string {
  return heldLogin()?.token ?? "";
}

/** Log in and connect; throws an Error that can be shown. */
export async function login(name: string, password: string): Promise<void> {
  const found = await requestToken(name, password);
  holdLogin(found, onRenewed);
  connect(found);
}

/** Continue with the login of this tab or, in a new tab, with that of the browser. */
export async function resume(): Promise<void> {
  const held = heldLogin();
  if (held !== undefined) {
    scheduleRenewal(held, onRenewed);
    connect(held);
    return;
  }
  let found: LoginReply | undefined;
  try {
    found = await renewLogin();
  } catch (error) {
    // The session may be a good one: a display that starts before its server waits for it.
    if (user.value === null) notice.value = (error as Error).message;
    scheduler.after(RETRY_MS, () => user.value === null && void resume());
    return;
  }
  if (user.value !== null) return;
  notice.value = "";
  if (found === undefined) return;
  holdLogin(found, onRenewed);
  connect(found);
}

/** End the session and leave. */
export function logout(): void {
  const leaving = socket;
  socket = undefined;
  leave("");
  const ended = leaving?.request({ type: "logout" }, "accountChanged") ?? Promise.resolve();
  ended.catch(() => undefined).finally(() => leaving?.close());
}

/** Replace the own password, which ends all sessions, and log in with it. Throws an Error that can be shown. */
export async function changePassword(password: string, newPassword: string): Promise<void> {
  const name = user.value;
  await request({ type: "changePassword", password, newPassword }, "accountChanged");
  // The edge ends this connection too, which is no refusal here.
  socket?.close();
  if (name !== null) await login(name, newPassword);
}

function leave(message: string): void {
  forgetLogin();
  socket?.close();
  socket = undefined;
  connection.value = "connecting";
  user.value = null;
  wasConnected = false;
  status.value = null;
  mustChangePassword.value = false;
  notice.value = message;
}

function onRenewed(found: LoginReply | undefined): void {
  if (found === undefined) {
    leave(SESSION_ENDED);
    return;
  }
  if (found.user !== user.value) {
    // Another tab of this browser has logged in as somebody else.
    leave(SESSION_ENDED);
    return;
  }
  holdLogin(found, onRenewed);
  socket?.renew(found.token);
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

function connect(found: LoginReply): void {
  socket?.close();
  role.value = found.role;
  user.value = found.user;
  mustChangePassword.value = found.mustChangePassword === true;
  notice.value = "";
  coreUnavailable.value = false;
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new Socket(`${scheme}//${location.host}/ws`, found.token, {
    connection: onConnectionState,
    stream: (frame) => streamFrames.emit(frame),
    exporting: (frame) => exportFrames.emit(frame),
    alarms: (frame) => alarmFrames.emit(frame),
    status: applyStatus,
    welcome: ({ defaultView: told }) => onAuthenticated(told ?? null),
    error: (error) => {
      if (error.code === CORE_UNAVAILABLE) loseCore();
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
  followed = undefined;
  if (state === "refused") void renewRefused();
  if (state !== "open" || mustChangePassword.value) return;
  connections.emit();
  if (wasConnected) recoveries.emit();
  wasConnected = true;
}

/** The token expired, for example while the machine slept, or the session has ended. */
async function renewRefused(): Promise<void> {
  const refused = socket;
  if (refused === undefined) return; // It was a logout.
  let found: LoginReply | undefined;
  try {
    found = await renewLogin();
  } catch {
    // NOVA does not answer now, which is no end of a session.
    if (socket !== refused) return;
    connection.value = "lost";
    scheduler.after(RETRY_MS, () => socket === refused && void renewRefused());
    return;
  }
  if (socket !== refused) return;
  if (found === undefined || found.user !== user.value) {
    leave(SESSION_ENDED);
    return;
  }
  holdLogin(found, onRenewed);
  connect(found);
}

/** With this interval, and one of 1.5 s of requests, a page shows within 5 s that its server does not answer. */
export const ANSWER_CHECK_INTERVAL_MS = 250;

/** Check whether the server answers. */
export function checkAnswers(): void {
  const silentMs = socket?.unansweredMs() ?? 0;
  const wasUnanswered = unansweredS.value > 0;
  unansweredS.value = silentMs < UNANSWERED_MIN_MS ? 0 : Math.floor(silentMs / 1_000);
  if (wasUnanswered && unansweredS.value === 0 && connection.value === "open") recoveries.emit();
}

/** Whether requests about the archive can be made: before its status came, its timebase is not known. */
export const isCoreKnown = computed(() => connection.value === "open" && status.value !== null);

/** The banner of a server that does not answer; undefined while it does. */
export const unansweredText = computed(() =>
  unansweredS.value === 0 ? undefined : `No answer from the server for ${unansweredS.value} s.`,
);

/** Request the state of the Core; while it is away the last reply remains. */
export async function refreshStatus(): Promise<void> {
  await requestStatus("status");
}

/** Follow the state of the Core from now on, unless it is followed. */
export function keepStatus(): Promise<void> {
  followed ??= requestStatus("followStatus");
  return followed;
}

function loseCore(): void {
  coreUnavailable.value = true;
  followed = undefined;
}

/** A beat of the Core: its counts, and what else of its state has changed. */
function applyStatus({ status: changed, events = 0, series = 0, durableTime }: StatusUpdate): void {
  const next = changed ?? status.value;
  if (next === null) return;
  const counts = { events, series, durableTime: durableTime ?? null };
  const isSame = next === status.value && next.events === events && next.series === series && next.durableTime === counts.durableTime;
  if (!isSame) status.value = { ...next, ...counts };
}

async function requestStatus(type: "status" | "followStatus"): Promise<void> {
  try {
    status.value = await request({ type }, "statusResponse");
    const wasUnavailable = coreUnavailable.value;
    coreUnavailable.value = false;
    if (wasUnavailable) recoveries.emit();
  } catch (error) {
    // The banner reports a lost connection.
    followed = undefined;
    if (error instanceof RequestError && error.code === CORE_UNAVAILABLE) loseCore();
  }
}
