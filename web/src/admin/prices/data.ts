import { useQuery } from "@tanstack/react-query";
import { queryClient } from "~/api/client";
import { api } from "~/api/http";
import type { Priced, PriceList } from "~/api/types";

const PRICES = ["prices"];

/** The prices of all connected models. */
export function usePrices() {
  return useQuery({ queryKey: PRICES, queryFn: ({ signal }) => api.get<PriceList>("/prices?limit=200", signal) });
}

export function usePriceOf(model: string): { currency: string; priced: Priced | undefined } {
  const { data } = usePrices();
  return { currency: data?.currency ?? "", priced: data?.items.find((one) => one.id === model) };
}

export const refreshPrices = () => queryClient.invalidateQueries({ queryKey: PRICES });

export const versionsKey = (model: string) => [...PRICES, model];
