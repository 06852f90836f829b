import { Outlet } from "@tanstack/react-router";
import { useEffect } from "react";

/** The operator's desk carries ink instead of the house's teal: one sees at a glance where one is. */
export function Desk() {
  useEffect(() => {
    document.documentElement.dataset.house = "operator";
    return () => {
      document.documentElement.dataset.house = "private";
    };
  }, []);
  return <Outlet />;
}
