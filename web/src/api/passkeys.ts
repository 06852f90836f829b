// Passkeys: between the server's JSON and the browser's buffers, https://www.w3.org/TR/webauthn-3/#sctn-parseCreationOptionsFromJSON
import { api } from "./http";
import type { PasskeyChallenge, Session } from "./types";

interface DescriptorJson {
  id: string;
  type: "public-key";
  transports?: AuthenticatorTransport[];
}

interface CreationJson extends Omit<PublicKeyCredentialCreationOptions, "challenge" | "user" | "excludeCredentials"> {
  challenge: string;
  user: { id: string; name: string; displayName: string };
  excludeCredentials?: DescriptorJson[];
}

interface RequestJson extends Omit<PublicKeyCredentialRequestOptions, "challenge" | "allowCredentials"> {
  challenge: string;
  allowCredentials?: DescriptorJson[];
}

export function passkeysWork(): boolean {
  return window.isSecureContext && "PublicKeyCredential" in window;
}

export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

export function toBase64Url(buffer: ArrayBuffer): string {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function descriptors(list: DescriptorJson[] | undefined): PublicKeyCredentialDescriptor[] {
  return (list ?? []).map((one) => ({ ...one, id: fromBase64Url(one.id) }));
}

function common(credential: PublicKeyCredential) {
  return {
    id: credential.id,
    rawId: toBase64Url(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

async function create(options: CreationJson): Promise<unknown> {
  const credential = (await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: fromBase64Url(options.challenge),
      user: { ...options.user, id: fromBase64Url(options.user.id) },
      excludeCredentials: descriptors(options.excludeCredentials),
    },
  })) as PublicKeyCredential;
  const response = credential.response as AuthenticatorAttestationResponse;
  return {
    ...common(credential),
    response: {
      clientDataJSON: toBase64Url(response.clientDataJSON),
      attestationObject: toBase64Url(response.attestationObject),
      transports: response.getTransports?.() ?? [],
    },
  };
}

async function get(options: RequestJson): Promise<unknown> {
  const credential = (await navigator.credentials.get({
    publicKey: { ...options, challenge: fromBase64Url(options.challenge), allowCredentials: descriptors(options.allowCredentials) },
  })) as PublicKeyCredential;
  const response = credential.response as AuthenticatorAssertionResponse;
  return {
    ...common(credential),
    response: {
      clientDataJSON: toBase64Url(response.clientDataJSON),
      authenticatorData: toBase64Url(response.authenticatorData),
      signature: toBase64Url(response.signature),
      userHandle: response.userHandle ? toBase64Url(response.userHandle) : null,
    },
  };
}

/** Makes a passkey on this device and tells the server. */
export async function addPasskey(name: string): Promise<void> {
  const challenge = await api.post<PasskeyChallenge<CreationJson>>("/me/passkeys/options");
  const credential = await create(challenge.options);
  await api.post("/me/passkeys", { challenge_id: challenge.challenge_id, name, credential });
}

export async function signInWithPasskey(): Promise<Session> {
  const challenge = await api.post<PasskeyChallenge<RequestJson>>("/sign-in/passkey/options");
  const credential = await get(challenge.options);
  return api.post<Session>("/sign-in/passkey", { challenge_id: challenge.challenge_id, credential });
}

/** The person closed the browser's own dialog: nothing went wrong. */
export function isCancelled(error: unknown): boolean {
  return error instanceof DOMException && (error.name === "NotAllowedError" || error.name === "AbortError");
}
