"""What passkeys need of the WebAuthn library, in a module of its own: it is loaded when the first passkey is used."""

from __future__ import annotations

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

__all__ = [
    "MALFORMED",
    "TRANSPORTS",
    "AuthenticatorSelectionCriteria",
    "PublicKeyCredentialDescriptor",
    "ResidentKeyRequirement",
    "UserVerificationRequirement",
    "base64url_to_bytes",
    "generate_authentication_options",
    "generate_registration_options",
    "options_to_json_dict",
    "verify_authentication_response",
    "verify_registration_response",
]

TRANSPORTS = frozenset(each.value for each in AuthenticatorTransport)
MALFORMED = (WebAuthnException, LookupError, TypeError, ValueError)
"""What the verifier raises: its own tree, and plain errors where CBOR or a key lacks a part."""
