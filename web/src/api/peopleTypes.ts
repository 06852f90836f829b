// The shapes of accounts, sessions and the operator's lists.
import type { List } from "./types";

export type Role = "owner" | "operator" | "member";
export type SignUpPolicy = "closed" | "invitation" | "open";

export interface Installation {
  name: string;
  version: string;
  languages: string[];
  sign_up: SignUpPolicy;
  needs_owner: boolean;
  mail: boolean;
  public_url: string;
  /** Settings that pages tell of. */
  limits: { password_chars: number; reset_mail_hours: number; deleted_days: number };
}

export interface Person {
  id: string;
  email: string;
  email_verified: boolean;
  /** What the address is to become, once it is confirmed there. */
  pending_email: string | null;
  name: string;
  role: Role;
  locale: string;
  timezone: string;
  created_at: string;
  has_password: boolean;
  totp: boolean;
  passkeys: number;
  recovery_codes_left: number;
}

export interface Space {
  id: string;
  kind: "personal" | "membership";
  organisation: string | null;
  organisation_name: string | null;
  role: string | null;
}

export interface Session {
  installation: Installation;
  person: Person | null;
  csrf: string | null;
  space: Space | null;
  spaces: Space[];
  second_factor_needed: boolean;
}

export interface LinkInfo {
  kind: "setup" | "invitation" | "sign_up" | "reset" | "verification";
  email: string | null;
  expires_at: string;
}

export interface Passkey {
  id: string;
  name: string;
  created_at: string;
  last_used_at: string | null;
  /** The name of the address that it is bound to. */
  host: string | null;
  works_here: boolean;
}

export interface PasskeyChallenge<Options> {
  challenge_id: string;
  options: Options;
}

export interface SignedInSession {
  id: string;
  created_at: string;
  last_seen_at: string;
  address: string | null;
  user_agent: string | null;
  surface: string | null;
  current: boolean;
}

export interface ApiKey {
  id: string;
  name: string;
  scopes: string[];
  created_at: string;
  last_used_at: string | null;
  expires_at: string | null;
  prefix: string;
  secret?: string;
}

export interface ListedPerson {
  id: string;
  email: string;
  email_verified: boolean;
  name: string;
  role: Role;
  state: "active" | "disabled" | "erased";
  created_at: string;
}

export interface OneTimeLink {
  url: string;
  expires_at: string;
}

export interface Invitation {
  id: string;
  url: string;
  email: string | null;
  role: Role;
  expires_at: string;
  created_at: string;
}

export interface AuditEntry {
  seq: number;
  at: string;
  actor: { kind: string; person: string | null };
  action: string;
  subject: string | null;
  details: Record<string, unknown> | null;
}

export interface Notice {
  id: string;
  kind: string;
  params: Record<string, string | number | boolean | null>;
  link: string | null;
  created_at: string;
  read_at: string | null;
}

export interface Notices extends List<Notice> {
  unread: number;
  unread_elsewhere?: number;
}

export interface KindPreference {
  kind: string;
  bell: boolean;
  mail: boolean;
  default_bell: boolean;
  default_mail: boolean;
}

export interface Preferences {
  kinds: KindPreference[];
  quiet: { start: string; end: string; timezone: string } | null;
  mail_available: boolean;
}
