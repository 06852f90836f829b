// @vitest-environment jsdom
import { expect, it } from "vitest";
import { setLocale, t } from "./i18n";

it("puts values into a text, in the language of the catalogue and in the one it is written in", async () => {
  const said = () => [t("{n} tokens", { n: 12 }), t("Deleted. I keep it for {n, plural, one {# day} other {# days}} in case you want it back.", { n: 1 })];
  await setLocale("en");
  expect(said()).toEqual(["12 tokens", "Deleted. I keep it for 1 day in case you want it back."]);
  await setLocale("zh");
  expect(said()[1]).toBe("已删除。我会再保留 1 天，以防你想找回。");
});

