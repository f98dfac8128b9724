// A passkey in front of this browser's key: the issuer takes nothing from the key before its person has shown it.
// (WebAuthn; chapter 12.)

import { base64url, unbase64 } from "./sign.js";

const ES256 = -7;
const KEPT = "unlocked";

/** Whether this browser can make one here: not at a bare address, nor without a trusted certificate. */
export const isThere = () => Boolean(window.PublicKeyCredential && navigator.credentials);

/** What unlocks the key, as long as this tab is open. */
export function recall(now) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT));
    return kept && kept.expires_at > now ? kept : null;
  } catch {
    return null;
  }
}

export function keep(unlocked) {
  if (unlocked) sessionStorage.setItem(KEPT, JSON.stringify(unlocked));
  else sessionStorage.removeItem(KEPT);
}

const asked = async (issuer) => {
  const { challenge, relying_party: host, passkeys } = await issuer.tell("/v1/wallet/passkeys/challenges");
  const known = passkeys.map((id) => ({ type: "public-key", id: unbase64(id) }));
  return { challenge: unbase64(challenge), host, known };
};

/** Makes a passkey, and has the issuer ask for it from now on. */
export async function guard(issuer, name) {
  const { challenge, host, known } = await asked(issuer);
  const { response } = await navigator.credentials.create({
    publicKey: {
      challenge,
      rp: { id: host, name: "Purser" },
      user: { id: issuer.signer.kid, name, displayName: name },
      pubKeyCredParams: [{ type: "public-key", alg: ES256 }],
      authenticatorSelection: { userVerification: "required", residentKey: "preferred" },
      attestation: "none",
      excludeCredentials: known,
    },
  });
  return issuer.tell("/v1/wallet/passkeys", {
    client_data: base64url(new Uint8Array(response.clientDataJSON)),
    authenticator_data: base64url(new Uint8Array(response.getAuthenticatorData())),
  });
}

/** Has the person show the passkey. */
export async function unlock(issuer) {
  const { challenge, host, known } = await asked(issuer);
  const { rawId, response } = await navigator.credentials.get({
    publicKey: { challenge, rpId: host, allowCredentials: known, userVerification: "required" },
  });
  return issuer.tell("/v1/wallet/unlock", {
    passkey: base64url(new Uint8Array(rawId)),
    client_data: base64url(new Uint8Array(response.clientDataJSON)),
    authenticator_data: base64url(new Uint8Array(response.authenticatorData)),
    signature: base64url(new Uint8Array(response.signature)),
  });
}
