// What the audit log tells, in words. What is not here is shown by its code.
import { t } from "~/i18n";

const ACTIONS: Record<string, () => string> = {
  "people.signed_in": () => t("Signed in"),
  "people.sign_in_refused": () => t("A sign-in was refused"),
  "people.person_added": () => t("An account was made"),
  "people.person_changed": () => t("An account was changed"),
  "people.person_erased": () => t("An account was erased"),
  "people.invited": () => t("Somebody was invited"),
  "people.invitation_withdrawn": () => t("An invitation was withdrawn"),
  "people.sign_up_changed": () => t("Who may come in was changed"),
  "people.reset_link_made": () => t("A link for a new password was made"),
  "people.access_reset": () => t("A new password was chosen by link"),
  "people.password_changed": () => t("The password was changed"),
  "people.password_removed": () => t("The password was taken away"),
  "people.email_changed": () => t("The email was changed"),
  "people.email_change_asked": () => t("Another email was asked for"),
  "people.email_verified": () => t("The email was confirmed"),
  "people.address_changed": () => t("The address of this Mecum was changed"),
  "kit.keys_rotated": () => t("Everything was sealed under a new key"),
  "people.passkey_added": () => t("A passkey was added"),
  "people.passkey_removed": () => t("A passkey was removed"),
  "people.totp_added": () => t("The second step was switched on"),
  "people.totp_removed": () => t("The second step was switched off"),
  "people.recovery_codes_renewed": () => t("New recovery codes were made"),
  "people.session_revoked": () => t("A sign-in was ended"),
  "people.sessions_revoked": () => t("All other sign-ins were ended"),
  "people.session_token_reused": () => t("A sign-in was used twice, and ended"),
  "people.key_created": () => t("An API key was made"),
  "people.key_revoked": () => t("An API key was removed"),
  "people.exported": () => t("All data was exported"),
  "models.provider_added": () => t("A provider was connected"),
  "models.provider_changed": () => t("A provider was changed"),
  "models.provider_removed": () => t("A provider was disconnected"),
  "models.model_changed": () => t("A model was changed"),
  "models.model_removed": () => t("A model was removed"),
  "models.price_stated": () => t("What a model costs was stated"),
  "models.price_withdrawn": () => t("A coming price was taken back"),
  "models.prices_imported": () => t("Prices were taken from a file"),
  "models.key_added": () => t("A provider got another key"),
  "models.key_changed": () => t("A key of a provider was changed"),
  "models.key_paused": () => t("A key of a provider was paused"),
  "models.key_resumed": () => t("A key of a provider goes on"),
  "models.key_removed": () => t("A key of a provider was removed"),
  "models.alias_added": () => t("A name for models was made"),
  "models.alias_changed": () => t("A name for models was changed"),
  "models.alias_removed": () => t("A name for models was removed"),
  "models.router_chosen": () => t("Who chooses between fast and thinking was changed"),
  "models.budget_set": () => t("A budget was set"),
  "models.budget_changed": () => t("A budget was changed"),
  "models.budget_removed": () => t("A budget was removed"),
  "models.budget_given_back": () => t("What a budget had lost was given back"),
  "models.default_chosen": () => t("Which model answers was changed"),
  "assistant.thread_shared": () => t("A page was shared"),
  "assistant.share_withdrawn": () => t("A shared page was withdrawn"),
};

/** An action of the audit log, as one would say it; null for one that has no words here. */
export function actionWords(action: string): string | null {
  return ACTIONS[action]?.() ?? null;
}

/** Who did it, where that was nobody with a name. */
export function actorWords(kind: string): string {
  switch (kind) {
    case "command":
      return t("by command, on the server");
    case "nobody":
      return t("nobody who was signed in");
    case "job":
      return t("by itself");
    default:
      return kind;
  }
}
