// Panels slide over any page; the address says which one is open, so Back closes it.
import { useNavigate, useSearch } from "@tanstack/react-router";

export const PANELS = ["notices", "account", "look", "security", "keys", "notifications", "data", "schedules", "shares"] as const;
export type PanelName = (typeof PANELS)[number];

export function isPanel(value: unknown): value is PanelName {
  return PANELS.includes(value as PanelName);
}

export function usePanel(): { panel: PanelName | undefined; openPanel: (name: PanelName) => void; closePanel: () => void } {
  // What the address says besides what a route knows is there as well: a link may name a panel that is no more.
  const { panel } = useSearch({ strict: false }) as { panel?: unknown };
  const navigate = useNavigate();
  return {
    panel: isPanel(panel) ? panel : undefined,
    openPanel: (name) => void navigate({ to: ".", search: (old: object) => ({ ...old, panel: name }), hash: true }),
    closePanel: () => void navigate({ to: ".", search: (old: object) => ({ ...old, panel: undefined }), hash: true }),
  };
}
