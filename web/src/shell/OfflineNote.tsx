import { WifiOff } from "lucide-react";
import { useSyncExternalStore } from "react";
import { t } from "~/i18n";
import { Icon } from "~/ui/Icon";

function subscribe(listener: () => void) {
  window.addEventListener("online", listener);
  window.addEventListener("offline", listener);
  return () => {
    window.removeEventListener("online", listener);
    window.removeEventListener("offline", listener);
  };
}

export function OfflineNote() {
  const online = useSyncExternalStore(subscribe, () => navigator.onLine);
  if (online) return null;
  return (
    <p className="offline" role="status">
      <Icon of={WifiOff} small />
      {t("You are offline. What you write stays here until I can send it.")}
    </p>
  );
}
