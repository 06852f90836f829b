import type { Health, Provider, ProviderKey } from "~/api/types";
import { t } from "~/i18n";

export const HEALTH: Record<Health, () => string> = {
  ok: () => t("works"),
  failing: () => t("fails"),
  unknown: () => t("not asked yet"),
};

/** What a key is called: its name, else its end. */
export function keyName(key: ProviderKey): string {
  if (!key.has_key) return t("Without a key");
  if (key.name) return key.tail ? `${key.name} …${key.tail}` : key.name;
  return key.tail ? t("Key …{tail}", { tail: key.tail }) : t("Key");
}

/** The keys of a provider in one sentence. */
export function keysWords({ keys, has_key }: Provider): string {
  if (!has_key) return t("Without a key.");
  const paused = keys.filter((key) => key.paused).length;
  const failing = keys.filter((key) => key.state === "failing" && !key.paused).length;
  const all = keys.length === 1 ? t("Its key is kept encrypted.") : t("{n} keys share the load.", { n: keys.length });
  const asides = [
    paused > 0 ? t("{n, plural, one {# is paused.} other {# are paused.}}", { n: paused }) : "",
    failing > 0 && keys.length > 1 ? t("{n, plural, one {# fails.} other {# fail.}}", { n: failing }) : "",
  ];
  return [all, ...asides].filter(Boolean).join(" ");
}
