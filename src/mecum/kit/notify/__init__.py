"""Telling people, the one seam for every room: what happened goes to the bell, to mail, or both, as each one prefers.

A room registers its kinds (`NotificationKind`) and says `notify(...)` in the transaction in which the thing happened.
The words are `notification.<kind>.title` and `.body` in `mecum/locales`, with the notification's `params`; clients that
have words of their own get kind and params alone.
"""

from mecum.kit.notify.service import Notify
from mecum.kit.notify.types import (
    NewNotification,
    Notification,
    NotificationKind,
    Preferences,
    QuietHours,
    Recipient,
    Recipients,
    nobody,
)

__all__ = [
    "NewNotification",
    "Notification",
    "NotificationKind",
    "Notify",
    "Preferences",
    "QuietHours",
    "Recipient",
    "Recipients",
    "nobody",
]
