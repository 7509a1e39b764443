"""Signs and checks session cookies: ItsDangerous's `URLSafeTimedSerializer`, with what each cookie would do again done once.

ItsDangerous derives its key, and makes its signer, for each cookie anew.  Here the keys are derived once, and a cookie that is as it
left us (three parts, a right signature, not too old) is read by the shortest way.  Whatever else comes goes ItsDangerous's way, which
finds what is wrong with it, or that it is valid after all.  So nothing is accepted here that ItsDangerous would refuse.
"""

from __future__ import annotations

import contextlib
import hmac
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any, cast

from itsdangerous import URLSafeTimedSerializer, want_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from itsdangerous import TimestampSigner

__all__ = ["CookieSerializer", "Serializers"]

KEPT = 64  # serializers: as many apps and keys as one process is likely to have
SHORT = 64  # bytes that are not worth compressing


class CookieSerializer(URLSafeTimedSerializer):
    """A `URLSafeTimedSerializer` whose keys are derived.  Immutable.

    Args:
        keys: The secret keys; the last one signs.
        salt: Tells one use of a key from another.
        serializer: Has `dumps` and `loads`, of text.
        key_derivation: ItsDangerous's word for how keys are derived.
        digest_method: Makes a hash object.
        digest_name: The same in OpenSSL's words, where it has one: quicker.
    """

    def __init__(
        self,
        keys: Sequence[str | bytes],
        *,
        salt: str | bytes,
        serializer: Any,
        key_derivation: str,
        digest_method: Callable[..., Any],
        digest_name: str | None = None,
    ) -> None:
        options = {"key_derivation": key_derivation, "digest_method": digest_method}
        super().__init__(cast("list[str]", list(keys)), salt=salt, serializer=serializer, signer_kwargs=options)
        self._clock = cast("TimestampSigner", self.make_signer())
        self._digest: Any = digest_name or digest_method
        self._derived = [self._clock.derive_key(key) for key in reversed(self.secret_keys)]  # the one that signs comes first

    def _sign(self, key: bytes, signed: bytes) -> bytes:
        return urlsafe_b64encode(hmac.digest(key, signed, self._digest)).rstrip(b"=")

    def _is_signed(self, signed: bytes, signature: bytes) -> bool:
        return any(hmac.compare_digest(self._sign(key, signed), signature) for key in self._derived)

    def dumps(self, obj: Any, salt: str | bytes | None = None) -> str:
        """Return the cookie that says `obj`."""
        if salt is not None:
            return super().dumps(obj, salt)
        now: int = self._clock.get_timestamp()
        signed = self.dump_payload(obj) + b"." + _encode(now.to_bytes((now.bit_length() + 7) // 8, "big"))
        return (signed + b"." + self._sign(self._derived[0], signed)).decode("ascii")

    def dump_payload(self, obj: Any) -> bytes:
        text = want_bytes(self.serializer.dumps(obj))
        if len(text) > SHORT:
            # PERF: with a window of 4 KiB, which is a cookie's size, it costs 12 us instead of the 60 that go into clearing 256 KiB.
            deflate = zlib.compressobj(wbits=12, memLevel=5)
            compressed = deflate.compress(text) + deflate.flush()
            if len(compressed) < len(text) - 1:
                return b"." + _encode(compressed)
        return _encode(text)

    def loads(self, s: str | bytes, max_age: int | None = None, return_timestamp: bool = False, salt: str | bytes | None = None) -> Any:  # type: ignore[override]  # as TimedSerializer has it
        """Return what a cookie says.

        Raises:
            BadSignature: It is forged, cut, too old, or signed with a key that is gone.
        """
        if salt is None and not return_timestamp:
            # Where this fails, ItsDangerous fails, too, and says how.
            with contextlib.suppress(Exception):
                text = self._checked(want_bytes(s), max_age)
                if text is not None:
                    return self.serializer.loads(text)  # type: ignore[arg-type]  # as it wrote it
        return super().loads(s, max_age, return_timestamp, salt)

    def _checked(self, cookie: bytes, max_age: int | None) -> str | bytes | None:
        """Return the text of a cookie that is as it left us; None: somebody else has to look at it."""
        signed, _, signature = cookie.rpartition(b".")
        payload, _, stamp = signed.rpartition(b".")
        if not payload or payload.startswith(b".") or not self._is_signed(signed, signature):
            return None
        age = self._clock.get_timestamp() - int.from_bytes(_decode(stamp), "big")
        if age < 0 or (max_age is not None and age > max_age):
            return None
        text = _decode(payload)
        return text.decode() if self.is_text_serializer else text


def _encode(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def _decode(data: bytes) -> bytes:
    return urlsafe_b64decode(data + b"=" * (-len(data) % 4))


class Serializers:
    """Serializers by what they were made of; the oldest give way."""

    def __init__(self) -> None:
        self._known: dict[Hashable, CookieSerializer] = {}

    def get(self, keys: tuple[str | bytes, ...], **options: Any) -> CookieSerializer:
        """Return the one for these keys and options, as CookieSerializer takes them."""
        known = self._known
        what = (keys, *options.values())
        found = known.get(what)
        if found is None:
            if len(known) >= KEPT:
                known.clear()
            found = known[what] = CookieSerializer(keys, **options)
        return found
