import { describe, expect, it } from "vitest";
import { setLocale } from "~/i18n";
import type { Problem } from "~/api/types";
import { problemWords } from "./words";

const unreachable: Problem = { code: "models.provider_unreachable", detail: "Cellar can't be reached.", hint: "Check.", params: { provider: "Cellar", why: "refused" }, retryable: true };

describe("a problem", () => {
  it("is said in the person's language, with its values", async () => {
    const storage = new Map<string, string>();
    globalThis.localStorage = { getItem: (key: string) => storage.get(key) ?? null, setItem: (key: string, value: string) => storage.set(key, value) } as unknown as Storage;
    globalThis.document = { documentElement: {} } as Document;
    await setLocale("zh");
    expect(problemWords(unreachable).what).toMatch(/^无法连接 Cellar/);
    await setLocale("en");
    expect(problemWords(unreachable).what).toBe("Cellar can’t be reached (refused).");
  });

  it("tells what a provider said itself, where it said something", () => {
    const params = { provider: "Cellar", status: 400, said: "context too long" };
    const refused = { ...unreachable, code: "models.provider_refused", params };
    expect(problemWords(refused).hint).toContain("context too long");
    expect(problemWords({ ...refused, params: { ...params, said: "" } }).hint).not.toContain("It says");
  });

  it("is said as the server said it, where its code has no words or its values were not kept", () => {
    const { params: _, ...old } = unreachable;
    for (const problem of [old, { ...unreachable, code: "from.the_future" }]) {
      expect(problemWords(problem)).toEqual({ what: "Cellar can't be reached.", hint: "Check." });
    }
  });
});
