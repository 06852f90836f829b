"""An authenticator in software (WebAuthn Level 3, sections 6 and 7).

It makes passkeys, signs assertions, and can misbehave.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

if TYPE_CHECKING:
    from tests.rooms.people.world import Browser

UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40


@dataclass
class Authenticator:
    """Holds one credential per `create`.

    Args:
        origin: of the page it is used on.
        verifies: whether it verifies the person (fingerprint, PIN).
        counts: whether it keeps a signature counter; synced passkeys don't.
    """

    origin: str
    verifies: bool = True
    counts: bool = True
    counter: int = 0
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    user_handle: bytes = b""
    rp_id: str = ""

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """What `navigator.credentials.create()` gives, as JSON. Attestation is `none`."""
        self.rp_id = options["rp"]["id"]
        self.user_handle = base64url_to_bytes(options["user"]["id"])
        client_data = self._client_data("webauthn.create", options["challenge"])
        credential = len(self.credential_id).to_bytes(2) + self.credential_id + self._public_key()
        data = self._data(AT) + bytes(16) + credential
        statement = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._credential(
            {
                "clientDataJSON": bytes_to_base64url(client_data),
                "attestationObject": bytes_to_base64url(statement),
                "transports": ["internal", "teleport"],
            }
        )

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """What `navigator.credentials.get()` gives, as JSON."""
        client_data = self._client_data("webauthn.get", options["challenge"])
        data = self._data(0)
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        return self._credential(
            {
                "clientDataJSON": bytes_to_base64url(client_data),
                "authenticatorData": bytes_to_base64url(data),
                "signature": bytes_to_base64url(signature),
                "userHandle": bytes_to_base64url(self.user_handle),
            }
        )

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        name = bytes_to_base64url(self.credential_id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _data(self, flags: int) -> bytes:
        self.counter += 1 if self.counts else 0
        flags |= UP | BE | BS | (UV if self.verifies else 0)
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4)

    def _public_key(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})


async def passkey_options(browser: Browser) -> dict[str, Any]:
    """What the server asks of a new passkey."""
    answer = await browser.post("/api/me/passkeys/options")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def register_passkey(browser: Browser, authenticator: Authenticator | None = None) -> Authenticator:
    """A passkey of the person who is signed in."""
    authenticator = authenticator or Authenticator(browser.world.kit.public_url)
    begun = await passkey_options(browser)
    body = {
        "challenge_id": begun["challenge_id"],
        "name": "Laptop",
        "credential": authenticator.create(begun["options"]),
    }
    answer = await browser.post("/api/me/passkeys", body)
    assert answer.status_code == 201, answer.text
    return authenticator


async def passkey_assertion(browser: Browser, authenticator: Authenticator) -> dict[str, Any]:
    """What a browser sends to sign in with a passkey."""
    begun = (await browser.post("/api/sign-in/passkey/options")).json()
    return {"challenge_id": begun["challenge_id"], "credential": authenticator.get(begun["options"])}
