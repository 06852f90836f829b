import type { Protocol } from "~/api/types";

/** Names of makers, the same in every language. */
export const PROTOCOLS: readonly { value: Protocol; label: string }[] = [
  { value: "openai", label: "OpenAI" },
  { value: "anthropic", label: "Anthropic" },
];

const KNOWN: Record<string, Protocol> = { "api.anthropic.com": "anthropic" };

/** The protocol of who is at `url`: a few addresses are known, all others mostly speak OpenAI's. */
export function guessProtocol(url: string): Protocol {
  return (URL.canParse(url) && KNOWN[new URL(url).hostname]) || "openai";
}
