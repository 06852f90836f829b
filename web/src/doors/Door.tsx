import { type ReactNode, useEffect } from "react";
import { useInstallation } from "~/api/client";
import { getLocale, LOCALES, type Locale, setLocale, t } from "~/i18n";
import { TextButton } from "~/ui/Button";
import { DoorBrand } from "~/ui/DoorBrand";

/** The page before one is in: what it is for, a form, and in which language. */
export function Door({ title, lede, children, foot }: { title: string; lede?: ReactNode; children: ReactNode; foot?: ReactNode }) {
  const installation = useInstallation();
  useEffect(() => {
    document.title = `${title} · Mecum`;
  }, [title]);
  const others = (Object.keys(LOCALES) as Locale[]).filter((locale) => locale !== getLocale());
  return (
    <main className="door" id="main">
      <div className="door__in">
        <DoorBrand />
        <h1>{title}</h1>
        {lede && <p>{lede}</p>}
        {children}
        <footer className="door__foot">
          {foot}
          {others.map((locale) => (
            <TextButton key={locale} lang={locale} onClick={() => void setLocale(locale)}>
              {LOCALES[locale]}
            </TextButton>
          ))}
          <span>{t("{name}, version {version}", { name: installation.name, version: installation.version })}</span>
        </footer>
      </div>
    </main>
  );
}
