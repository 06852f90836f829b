import { useEffect, useState } from "react";
import { t } from "~/i18n";
import { toast } from "./toast";

const SHOWN_MS = 1_600;

/** Copies text; the first value is true for a moment after it worked. */
export function useCopy(): [boolean, (text: string) => void] {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = (text: string) => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => toast(t("This browser does not let me copy. Select the text and copy it yourself.")),
    );
  };
  return [copied, copy];
}
