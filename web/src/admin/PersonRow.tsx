import { Link } from "@tanstack/react-router";
import { Ellipsis } from "lucide-react";
import { useState } from "react";
import { useInstallation, usePerson } from "~/api/client";
import { api } from "~/api/http";
import type { ListedPerson, OneTimeLink } from "~/api/types";
import { t } from "~/i18n";
import { roleName } from "~/settings/AccountPanel";
import { initials } from "~/shell/AccountMenu";
import { IconButton } from "~/ui/Button";
import { CopyField } from "~/ui/CopyField";
import { Confirm, Dialog } from "~/ui/Dialog";
import { Dots } from "~/ui/Dots";
import { Menu } from "~/ui/Menu";
import { date, dateAndTime } from "~/ui/time";
import { toastError } from "~/ui/toast";
import { refreshPeople } from "./PeoplePage";
import type { PersonChange } from "./PersonItems";

const load = () => import("./PersonItems");

export function PersonRow({ person }: { person: ListedPerson }) {
  const me = usePerson();
  const { mail } = useInstallation();
  const [link, setLink] = useState<OneTimeLink | null>(null);
  const [erasing, setErasing] = useState(false);
  const change = (part: PersonChange) => api.patch(`/people/${person.id}`, part).then(refreshPeople).catch(toastError);
  const reset = () =>
    api
      .post<OneTimeLink>(`/people/${person.id}/reset-link`)
      .then(setLink)
      .catch(toastError);
  const given = { person, mine: person.id === me.id, onChange: change, onReset: () => void reset(), onErase: () => setErasing(true) };
  return (
    <li data-testid="person">
      <span className="face">{initials(person.name || person.email)}</span>
      <span className="grow">
        <b className="one-line" title={person.name}>
          {person.name || person.email}
        </b>
        <small>
          <Dots>
            <span className="one-line" title={person.email}>
              {person.email}
            </span>
            {roleName(person.role)}
            {t("since {date}", { date: date(person.created_at) })}
            <Link className="textbtn" to="/admin/budgets" search={{ subject: person.id }} aria-label={t("Budgets of {name}", { name: person.name || person.email })}>
              {t("Budgets")}
            </Link>
            {mail && !person.email_verified && t("address not confirmed")}
          </Dots>
        </small>
      </span>
      {person.state === "disabled" && <span className="tag tag--box tag--warn">{t("disabled")}</span>}
      <Menu load={load} given={given}>
        <IconButton small icon={Ellipsis} label={t("More about {name}", { name: person.name || person.email })} />
      </Menu>
      <Dialog open={link !== null} onClose={() => setLink(null)} title={t("A link for {name}", { name: person.name || person.email })}>
        <p>{t("With it they choose a new password. It also takes their second step away, so that nobody stays locked out. Hand it to them alone.")}</p>
        {link && <CopyField label={t("Works once, until {time}", { time: dateAndTime(link.expires_at) })} value={link.url} />}
      </Dialog>
      <Confirm
        open={erasing}
        onClose={() => setErasing(false)}
        danger
        title={t("Erase {name}?", { name: person.name || person.email })}
        text={t("The account goes with all that belongs to it, for good. To keep it, disable it instead.")}
        verb={t("Erase for good")}
        onConfirm={async () => {
          await api.delete(`/people/${person.id}`);
          await refreshPeople();
        }}
      />
    </li>
  );
}
