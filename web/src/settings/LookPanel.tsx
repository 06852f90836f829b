import { useState } from "react";
import { usePerson } from "~/api/client";
import { api } from "~/api/http";
import type { Person } from "~/api/types";
import { getLocale, LOCALES, type Locale, t } from "~/i18n";
import { Seg, Select } from "~/ui/Field";
import { dateAndTime, setTimeZone } from "~/ui/time";
import { toastError } from "~/ui/toast";
import { changeLanguage, getTheme, rememberPerson, setTheme, type Theme } from "./look";

export function LookPanel() {
  const person = usePerson();
  const [theme, setChosen] = useState<Theme>(getTheme);
  const zones = Intl.supportedValuesOf("timeZone");

  async function changeZone(timezone: string) {
    try {
      rememberPerson(await api.patch<Person>("/me", { timezone }));
      setTimeZone(timezone);
    } catch (error) {
      toastError(error);
    }
  }
  return (
    <>
      <section>
        <h3>{t("Language")}</h3>
        <div>
          <Seg
            legend={t("Language")}
            value={getLocale()}
            onChange={(locale) => void changeLanguage(locale)}
            options={(Object.keys(LOCALES) as Locale[]).map((locale) => ({ value: locale, label: LOCALES[locale] }))}
          />
        </div>
        <p className="muted small">{t("Of the pages and of what I send you. I answer in the language in which you write.")}</p>
      </section>
      <section>
        <h3>{t("Light or dark")}</h3>
        <div>
          <Seg
            legend={t("Light or dark")}
            value={theme}
            onChange={(chosen) => {
              setChosen(chosen);
              setTheme(chosen);
            }}
            options={[
              { value: "system", label: t("Like this device") },
              { value: "light", label: t("Light") },
              { value: "dark", label: t("Dark") },
            ]}
          />
        </div>
        <p className="muted small">{t("On this device only.")}</p>
      </section>
      <section>
        <Select label={t("Time zone")} value={person.timezone} onChange={(event) => void changeZone(event.target.value)} help={t("There it is now {time}.", { time: dateAndTime(new Date().toISOString()) })}>
          {!zones.includes(person.timezone) && <option>{person.timezone}</option>}
          {zones.map((zone) => (
            <option key={zone}>{zone}</option>
          ))}
        </Select>
      </section>
    </>
  );
}
