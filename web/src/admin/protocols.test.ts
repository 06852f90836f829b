import { expect, test } from "vitest";
import { guessProtocol } from "./protocols";

test("a known address tells its protocol, with a path or without", () => {
  expect(guessProtocol("https://api.openai.com/v1")).toBe("responses");
  expect(guessProtocol("https://api.anthropic.com")).toBe("anthropic");
  expect(guessProtocol("https://api.anthropic.com/v1")).toBe("anthropic");
  expect(guessProtocol("https://generativelanguage.googleapis.com/v1beta")).toBe("gemini");
});

test("an address that says in its path that it speaks OpenAI's is believed", () => {
  expect(guessProtocol("https://generativelanguage.googleapis.com/v1beta/openai")).toBe("openai");
});

test("any other address, and what is no address yet, is taken for OpenAI's chat completions", () => {
  for (const url of ["http://localhost:11434/v1", "https://anthropic.example.com", "https://api.anth", ""]) {
    expect(guessProtocol(url)).toBe("openai");
  }
});
