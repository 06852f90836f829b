import type { Protocol } from "~/api/types";
import { t } from "~/i18n";
import { Select } from "~/ui/Field";
import { PROTOCOLS } from "./protocols";

export function ProtocolField({ value, onChange }: { value: Protocol; onChange: (protocol: Protocol) => void }) {
  return (
    <Select label={t("Protocol")} value={value} onChange={(event) => onChange(event.target.value as Protocol)} help={t("Most services, and model servers of your own, speak OpenAI’s chat completions.")}>
      {PROTOCOLS.map((protocol) => (
        <option key={protocol.value} value={protocol.value}>
          {protocol.label}
        </option>
      ))}
    </Select>
  );
}
