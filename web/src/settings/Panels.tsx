import type { ComponentType } from "react";
import { t } from "~/i18n";
import { type PanelName, usePanel } from "~/shell/panels";
import { Panel } from "~/ui/Dialog";
import { AccountPanel } from "./AccountPanel";
import { DataPanel } from "./DataPanel";
import { KeysPanel } from "./KeysPanel";
import { LookPanel } from "./LookPanel";
import { NoticesPanel } from "./NoticesPanel";
import { PreferencesPanel } from "./PreferencesPanel";
import { SchedulesPanel } from "./SchedulesPanel";
import { SecurityPanel } from "./SecurityPanel";
import { SharesPanel } from "./SharesPanel";

const PANELS: Record<PanelName, { title: () => string; body: ComponentType }> = {
  notices: { title: () => t("Notices"), body: NoticesPanel },
  account: { title: () => t("Account"), body: AccountPanel },
  look: { title: () => t("Language and look"), body: LookPanel },
  security: { title: () => t("Sign-in and security"), body: SecurityPanel },
  keys: { title: () => t("API keys"), body: KeysPanel },
  notifications: { title: () => t("What I tell you"), body: PreferencesPanel },
  data: { title: () => t("My data"), body: DataPanel },
  schedules: { title: () => t("Schedules and tasks"), body: SchedulesPanel },
  shares: { title: () => t("Shared pages"), body: SharesPanel },
};

export default function Panels({ name }: { name: PanelName }) {
  const { closePanel } = usePanel();
  const { title, body: Body } = PANELS[name];
  return (
    <Panel open onClose={closePanel} title={title()}>
      <Body />
    </Panel>
  );
}
