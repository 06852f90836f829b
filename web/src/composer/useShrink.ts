import { useEffect, useState } from "react";

/** On a phone, true while the page is scrolled towards its end: the composer then takes one line. */
export function useShrink(): boolean {
  const [small, setSmall] = useState(false);
  useEffect(() => {
    const phone = window.matchMedia("(max-width: 639px)");
    let last = window.scrollY;
    const onScroll = () => {
      const now = window.scrollY;
      if (Math.abs(now - last) < 12) return;
      const atEnd = now + window.innerHeight > document.documentElement.scrollHeight - 80;
      setSmall(phone.matches && now < last && !atEnd);
      last = now;
    };
    window.addEventListener("scroll", onScroll, { passive: true });
    return () => window.removeEventListener("scroll", onScroll);
  }, []);
  return small;
}
