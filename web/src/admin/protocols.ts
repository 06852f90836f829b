import type { Protocol } from "~/api/types";

/** Names of makers and of what they made, the same in every language. */
export const PROTOCOLS: readonly { value: Protocol; label: string }[] = [
  { value: "openai", label: "OpenAI Chat Completions" },
  { value: "responses", label: "OpenAI Responses" },
  { value: "anthropic", label: "Anthropic" },
  { value: "gemini", label: "Gemini" },
];

const KNOWN: Record<string, Protocol> = {
  "api.openai.com": "responses",
  "api.anthropic.com": "anthropic",
  "generativelanguage.googleapis.com": "gemini",
};

/** The protocol of who is at `url`: a few addresses are known, all others mostly speak OpenAI's chat completions. */
export function guessProtocol(url: string): Protocol {
  if (!URL.canParse(url)) return "openai";
  const { hostname, pathname } = new URL(url);
  return (!pathname.includes("/openai") && KNOWN[hostname]) || "openai";
}
