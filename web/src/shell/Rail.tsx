import { Link, useLocation } from "@tanstack/react-router";
import { Activity, Archive, Bell, Cpu, Gauge, type LucideIcon, Search, ScrollText, SquarePen, Users, Wallet } from "lucide-react";
import { type RefObject, useEffect, useState } from "react";
import { mayOperate, usePerson } from "~/api/client";
import { t } from "~/i18n";
import { Icon } from "~/ui/Icon";
import { AccountMenu } from "./AccountMenu";
import { BellButton } from "./BellButton";
import { moveAmongLinks } from "./search";
import { SearchResults } from "./SearchResults";
import { ThreadList } from "./ThreadList";

interface Place {
  to: string;
  icon: LucideIcon;
  name: string;
}

function places(operator: boolean): Place[] {
  const all: Place[] = [
    { to: "/archive", icon: Archive, name: t("Archive") },
    { to: "/usage", icon: Gauge, name: t("Usage") },
  ];
  if (operator) {
    all.push(
      { to: "/admin/capacity", icon: Activity, name: t("Capacity") },
      { to: "/admin/budgets", icon: Wallet, name: t("Budgets") },
      { to: "/admin/models", icon: Cpu, name: t("Models") },
      { to: "/admin/people", icon: Users, name: t("People") },
      { to: "/admin/audit", icon: ScrollText, name: t("Audit log") },
    );
  }
  return all;
}

export function Rail({ searchRef }: { searchRef: RefObject<HTMLInputElement | null> }) {
  const [text, setText] = useState("");
  const person = usePerson();
  const place = useLocation({ select: (location) => location.pathname + location.searchStr });

  // On a phone the rail lies over everything: going somewhere, or opening a panel, closes it.
  useEffect(() => {
    const rail = document.getElementById("rail");
    if (rail?.matches(":popover-open")) rail.hidePopover();
  }, [place]);

  return (
    <nav className="rail" id="rail" popover="auto" aria-label={t("Conversations and places")}>
      <div className="rail__head">
        <Link className="brand grow" to="/">
          <span className="ribbon" />
          <b>Mecum</b>
        </Link>
        <BellButton icon={Bell} />
      </div>
      <div className="rail__top">
        <label className="field grow">
          <Icon of={Search} />
          <span className="vh">{t("Search")}</span>
          <input
            ref={searchRef}
            type="search"
            placeholder={t("Search")}
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Escape") {
                setText("");
                event.currentTarget.blur();
              } else if (event.key === "ArrowDown") {
                event.preventDefault();
                document.querySelector<HTMLElement>(".rail__scroll a")?.focus();
              }
            }}
          />
          <kbd>/</kbd>
        </label>
        <Link className="ib rail__new" to="/" aria-label={t("New page")} title={t("New page")}>
          <Icon of={SquarePen} />
        </Link>
      </div>
      <div className="rail__scroll" onKeyDown={moveAmongLinks}>
        {text.trim() ? <SearchResults text={text} /> : <ThreadList empty={t("What you write will be listed here, newest first.")} />}
      </div>
      <div className="rail__places" onKeyDown={moveAmongLinks}>
        {places(mayOperate(person)).map((place) => (
          <Link key={place.to} className="place" to={place.to}>
            <Icon of={place.icon} />
            {place.name}
          </Link>
        ))}
      </div>
      <AccountMenu />
    </nav>
  );
}
