import { useQuery } from "@tanstack/react-query";
import { queryClient } from "~/api/client";
import { api } from "~/api/http";
import type { Alias, List } from "~/api/types";

const ALIASES = ["aliases"];

export function useAliases() {
  return useQuery({ queryKey: ALIASES, queryFn: ({ signal }) => api.get<List<Alias>>("/aliases?limit=200", signal) });
}

export const refreshAliases = () => queryClient.invalidateQueries({ queryKey: ALIASES });
