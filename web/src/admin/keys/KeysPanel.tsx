import type { Provider } from "~/api/types";
import { t } from "~/i18n";
import { Panel } from "~/ui/Dialog";
import { KeyRow, NewKey } from "./KeyRow";

/** The accounts of a provider. */
export default function KeysPanel({ provider, onClose }: { provider: Provider; onClose: () => void }) {
  return (
    <Panel open onClose={onClose} title={t("Keys of {name}", { name: provider.name })}>
      <section>
        <p className="lede">
          {t("Each is an account with limits of its own. Several share the load, and when one may not be asked, the next one is, before anybody notices.")}
        </p>
        <ul className="rows rows--models rows--open">
          {provider.keys.map((key) => (
            <KeyRow key={key.id} provider={provider} known={key} />
          ))}
        </ul>
        <NewKey provider={provider} />
      </section>
    </Panel>
  );
}
