import { useQuery } from "@tanstack/react-query";
import { queryClient, sessionQuery, usePerson } from "~/api/client";
import { api } from "~/api/http";
import type { SignUpPolicy as Policy } from "~/api/types";
import { t } from "~/i18n";
import { Seg } from "~/ui/Field";
import { Line } from "~/ui/Line";
import { toastError } from "~/ui/toast";

const KEY = ["settings", "sign-up"];

function meaning(policy: Policy): string {
  switch (policy) {
    case "open":
      return t("Anybody who finds this address can make an account.");
    case "invitation":
      return t("New accounts need an invitation.");
    case "closed":
      return t("Only you make accounts, here or in the terminal.");
  }
}

/** Who may come in. Only an owner changes it. */
export function SignUpPolicy() {
  const person = usePerson();
  const { data } = useQuery({ queryKey: KEY, queryFn: ({ signal }) => api.get<{ policy: Policy }>("/settings/sign-up", signal) });
  if (!data) return null;

  async function change(policy: Policy) {
    try {
      queryClient.setQueryData(KEY, await api.put<{ policy: Policy }>("/settings/sign-up", { policy }));
      await queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey });
    } catch (error) {
      toastError(error);
    }
  }
  return (
    <Line who={t("The door")} className="block">
      {person.role === "owner" && (
        <Seg
          legend={t("Who may make an account")}
          value={data.policy}
          onChange={(policy) => void change(policy)}
          options={[
            { value: "closed", label: t("Closed") },
            { value: "invitation", label: t("By invitation") },
            { value: "open", label: t("Open") },
          ]}
        />
      )}
      <p className="help">{meaning(data.policy)}</p>
    </Line>
  );
}
