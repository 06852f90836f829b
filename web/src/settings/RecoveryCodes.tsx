import { Copy, Download } from "lucide-react";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { saveFile } from "~/ui/saveFile";
import { useCopy } from "~/ui/useCopy";

/** Shown once: each code signs in one time when the phone is not at hand. */
export function RecoveryCodes({ codes, onDone }: { codes: string[]; onDone: () => void }) {
  const [copied, copy] = useCopy();
  const text = codes.join("\n");
  return (
    <section>
      <h3>{t("Recovery codes")}</h3>
      <p className="lede">{t("Each opens your account once when the app is not at hand. Keep them on paper or in a password manager: I show them only now.")}</p>
      <ul className="codes" data-testid="recovery-codes">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <div className="form__do">
        <Button small icon={Copy} onClick={() => copy(text)}>
          {copied ? t("Copied") : t("Copy")}
        </Button>
        <Button small icon={Download} onClick={() => saveFile(new Blob([`${text}\n`], { type: "text/plain" }), "mecum-recovery-codes.txt")}>
          {t("Save as a file")}
        </Button>
        <Button small onClick={onDone}>
          {t("I have them")}
        </Button>
      </div>
    </section>
  );
}
