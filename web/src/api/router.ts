// Who chooses between fast and thinking.
import type { Model } from "./types";

/** The name under which the catalogue lists the router. */
export const ROUTER = "mecum-auto";

/** The models that one can name: all but the router, which is what one gets who names none. */
export function nameable(models: Model[] | undefined): Model[] {
  return models?.filter((model) => model.kind === "chat" && model.name !== ROUTER) ?? [];
}

/** Whether it makes a difference how hard to think: with a model of that name, or with what answers otherwise. */
export function canThink(models: Model[] | undefined, name: string | null | undefined): boolean {
  return models?.some((model) => (name ? model.name === name && model.reasoning : model.name === ROUTER)) ?? false;
}
