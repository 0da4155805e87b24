/** The WebSocket to the edge: authenticates first, matches replies by `ref`, reconnects with backoff. */

import { type Cancel, scheduler } from "../scheduler";
import type {
  AlarmUpdates,
  Authenticated,
  ExportCancelled,
  ExportComplete,
  ExportFailed,
  ExportProgress,
  Reply,
  Request,
  StreamCancelled,
  StreamChunk,
  StreamComplete,
  StatusUpdate,
  StreamGap,
} from "./protocol";
import { rememberFrame } from "./raw_text";

export type ConnectionState = "connecting" | "open" | "lost" | "refused";
export type StreamFrame = StreamChunk | StreamComplete | StreamCancelled | StreamGap;
/** Frames of an export. An export continues after its request was answered. */
export type ExportFrame = ExportProgress | ExportComplete | ExportFailed | ExportCancelled;
type ClientRequest = Exclude<Request, { type: "auth" }>;

/** Error code: the edge answers, the Core does not. */
export const CORE_UNAVAILABLE = "coreUnavailable";

const CLOSE_UNAUTHORIZED = 4401;
const REPLY_TIMEOUT_MS = 20_000;
const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 5_000;
const BUSY = "busy";
const BUSY_FIRST_MS = 500;
/** Retries after `busy`: half a minute in all. */
const BUSY_RETRIES_MAX = 6;

/** An error reply. */
export class RequestError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

interface PendingReply {
  resolve: (reply: Reply) => void;
  reject: (error: Error) => void;
  cancelTimeout: Cancel;
}

export interface SocketHandlers {
  connection: (state: ConnectionState) => void;
  stream: (frame: StreamFrame) => void;
  error: (error: RequestError) => void;
  exporting: (frame: ExportFrame) => void;
  alarms: (frame: AlarmUpdates) => void;
  status: (frame: StatusUpdate) => void;
  /** The token was accepted; called before the state becomes `open`. */
  welcome: (reply: Authenticated) => void;
}

export class Socket {
  private socket: WebSocket | undefined;
  private pending = new Map<number, PendingReply>();
  private lastRef = 0;
  private retryMs = RETRY_FIRST_MS;
  private closed = false;
  /** Whether the Core sends its status every second, so that each silence says something. */
  private hasBeat = false;
  /** Since when something is expected and nothing has been received, in ms since 1970. */
  private unansweredSinceMs: number | undefined;

  constructor(
    private readonly url: string,
    private token: string,
    private readonly handlers: SocketHandlers,
  ) {
    this.connect();
  }

  /** The reply to a request; rejects with a RequestError if it is an error. */
  request<T extends Reply["type"]>(message: ClientRequest, reply: T): Promise<Extract<Reply, { type: T }>> {
    return this.requestWithBackoff(message).then((answer) => {
      if (answer.type !== reply) throw new RequestError("badReply", `got ${answer.type}, not ${reply}`);
      return answer as Extract<Reply, { type: T }>;
    });
  }

  /** How long the server has sent nothing although something is expected of it; 0 if nothing is. */
  unansweredMs(): number {
    return this.unansweredSinceMs === undefined ? 0 : Math.max(0, Date.now() - this.unansweredSinceMs);
  }

  /** Continue with the next token of the same session. */
  renew(token: string): void {
    this.token = token;
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.exchange({ type: "auth", token }).catch(() => undefined); // If it is refused, the edge closes.
  }

  /** Open a new connection instead of this one. */
  reconnect(): void {
    this.socket?.close();
  }

  /** Close without reconnecting. */
  close(): void {
    this.closed = true;
    this.socket?.close();
  }

  /** Retries a request that is answered `busy`, with exponential backoff and jitter. */
  private async requestWithBackoff(message: ClientRequest): Promise<Reply> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.exchange(message);
      } catch (error) {
        if (!(error instanceof RequestError) || error.code !== BUSY || tries === BUSY_RETRIES_MAX) throw error;
        const pauseMs = Math.max(error.retryAfterMs ?? 0, BUSY_FIRST_MS * 2 ** tries);
        await new Promise<void>((resolve) => scheduler.after(pauseMs * (0.75 + Math.random() / 2), resolve));
      }
    }
  }

  private exchange(message: Request): Promise<Reply> {
    const socket = this.socket;
    if (socket === undefined || socket.readyState !== WebSocket.OPEN) {
      return Promise.reject(new RequestError("disconnected", "not connected"));
    }
    const ref = ++this.lastRef;
    this.unansweredSinceMs ??= Date.now();
    return new Promise((resolve, reject) => {
      const cancelTimeout = scheduler.after(REPLY_TIMEOUT_MS, () => {
        this.pending.delete(ref);
        reject(new RequestError("timeout", "no reply in time"));
      });
      this.pending.set(ref, { resolve, reject, cancelTimeout });
      socket.send(JSON.stringify({ ...message, ref }));
    });
  }

  private connect(): void {
    this.handlers.connection("connecting");
    this.unansweredSinceMs ??= Date.now();
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onopen = () => {
      this.exchange({ type: "auth", token: this.token }).then(
        (reply) => {
          this.retryMs = RETRY_FIRST_MS;
          if (reply.type === "authenticated") this.handlers.welcome(reply);
          this.handlers.connection("open");
        },
        () => socket.close(),
      );
    };
    socket.onmessage = (event) => this.onMessage(String(event.data));
    socket.onclose = (event) => this.onClose(event.code);
  }

  private onMessage(text: string): void {
    const reply = JSON.parse(text) as Reply;
    if (reply.type === "queryResponse") rememberFrame(reply.events as unknown[], text);
    this.receive(reply);
    this.unansweredSinceMs = this.pending.size === 0 && !this.hasBeat ? undefined : Date.now();
  }

  private receive(reply: Reply): void {
    if (reply.type === "streamChunk" || reply.type === "streamComplete" || reply.type === "gap") {
      this.handlers.stream(reply);
      return;
    }
    if (reply.type === "statusUpdate") {
      this.hasBeat = true;
      this.handlers.status(reply);
      return;
    }
    if (reply.type === "alarmUpdates") {
      this.handlers.alarms(reply);
      return;
    }
    if (isExportFrame(reply)) this.handlers.exporting(reply);
    const waiting = typeof reply.ref === "number" ? this.pending.get(reply.ref) : undefined;
    if (waiting === undefined) {
      if (reply.type === "error") this.unsolicitedError(new RequestError(reply.code, reply.message));
      if (reply.type === "streamCancelled") this.handlers.stream(reply);
      return;
    }
    this.pending.delete(reply.ref as number);
    waiting.cancelTimeout();
    if (reply.type === "error") {
      waiting.reject(new RequestError(reply.code, reply.message, reply.retryAfterMs ?? undefined));
    } else waiting.resolve(reply);
  }

  /** An error without `ref`. If the Core is unavailable, no pending request will be answered. */
  private unsolicitedError(error: RequestError): void {
    if (error.code === CORE_UNAVAILABLE) {
      this.hasBeat = false;
      this.rejectAll(error);
    }
    this.handlers.error(error);
  }

  private rejectAll(error: RequestError): void {
    for (const { reject, cancelTimeout } of this.pending.values()) {
      cancelTimeout();
      reject(error);
    }
    this.pending.clear();
  }

  private onClose(code: number): void {
    this.rejectAll(new RequestError("disconnected", "the connection was lost"));
    if (this.closed) return;
    if (code === CLOSE_UNAUTHORIZED) {
      this.handlers.connection("refused");
      return;
    }
    this.unansweredSinceMs = undefined;
    this.hasBeat = false;
    this.handlers.connection("lost");
    scheduler.after(this.retryMs, () => {
      if (!this.closed) this.connect();
    });
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
  }
}

function isExportFrame(reply: Reply): reply is ExportFrame {
  return ["exportProgress", "exportComplete", "exportFailed", "exportCancelled"].includes(reply.type);
}
