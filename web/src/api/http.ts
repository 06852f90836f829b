// One way to the server: JSON in, JSON out, problems as ApiError, the CSRF header on everything that changes something.
import { getLocale } from "~/i18n";
import type { Problem, Session } from "./types";

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  readonly params: Record<string, string | number | boolean | null>;
  readonly retryable: boolean;
  /** How long the server wants to be left alone; 0 where it does not say. */
  readonly retryAfterMs: number;

  constructor(status: number, problem: Partial<Problem>, retryAfterMs = 0) {
    super(problem.detail ?? `HTTP ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.code = problem.code ?? "error";
    this.hint = problem.hint ?? "";
    this.params = problem.params ?? {};
    this.retryable = problem.retryable ?? status >= 500;
    this.retryAfterMs = retryAfterMs;
  }

  /** The server could not be reached at all. */
  get offline(): boolean {
    return this.status === 0;
  }
}

let csrf: string | null = null;
const signedOutListeners = new Set<() => void>();

export function rememberSession(session: Session): Session {
  csrf = session.csrf;
  return session;
}

/** Called when the server no longer knows this session. */
export function onSignedOut(listener: () => void): () => void {
  signedOutListeners.add(listener);
  return () => signedOutListeners.delete(listener);
}

export function headers(method: string): Record<string, string> {
  const all: Record<string, string> = { "X-Mecum-Surface": "web", "Accept-Language": getLocale() };
  if (method !== "GET" && csrf) all["X-CSRF-Token"] = csrf;
  return all;
}

export async function problemOf(response: Response): Promise<ApiError> {
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  // A wrong code or password is a 401 as well, but ends no session.
  if (problem.code === "people.signed_out") for (const listener of signedOutListeners) listener();
  const seconds = Number(response.headers.get("Retry-After"));
  return new ApiError(response.status, problem, Number.isFinite(seconds) ? seconds * 1000 : 0);
}

export async function request(method: string, path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(`/api${path}`, { ...init, method, headers: { ...headers(method), ...init.headers } });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, { code: "offline", retryable: true });
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function json<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = { signal: signal ?? null };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "Content-Type": "application/json" };
  }
  const response = await request(method, path, init);
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

export const api = {
  get: <T>(path: string, signal?: AbortSignal) => json<T>("GET", path, undefined, signal),
  post: <T = void>(path: string, body: unknown = {}) => json<T>("POST", path, body),
  put: <T = void>(path: string, body: unknown) => json<T>("PUT", path, body),
  patch: <T = void>(path: string, body: unknown) => json<T>("PATCH", path, body),
  delete: <T = void>(path: string, body?: unknown) => json<T>("DELETE", path, body),
};

/** `?a=1&b=2` of what is set. */
export function query(values: Record<string, string | number | boolean | null | undefined>): string {
  const set = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== "") set.set(name, String(value));
  }
  const text = set.toString();
  return text ? `?${text}` : "";
}
