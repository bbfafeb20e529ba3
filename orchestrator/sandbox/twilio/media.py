"""Uploaded files: the Media Content Service (mcs.us1.twilio.com) and its short-lived links."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from urllib.parse import urlencode

from orchestrator.sandbox.twilio.account import Account
from orchestrator.sandbox.twilio.errors import ApiError, not_found
from orchestrator.sandbox.twilio.records import Media
from orchestrator.sandbox.twilio.webhook import rest_time
from orchestrator.sandbox.wire import Answer, Call, Upload

LINK_LIFE = timedelta(seconds=300)
UNATTACHED_LIFE = timedelta(minutes=5)
MCS = "https://mcs.us1.twilio.com/v1/Services"


def store(account: Account, upload: Upload, author: str | None = None) -> Media:
    item = Media(
        **account.fresh("ME"),
        content=upload.content,
        content_type=upload.content_type,
        filename=upload.filename or None,
        author=author,
    )
    account.media[item.sid] = item
    return item


def found(account: Account, sid: str) -> Media:
    """Raises 404/20404, also for a file not attached to a message within five minutes of its upload."""
    item = account.media.get(sid)
    if item is None or (item.message_sid is None and account.now() - item.created > UNATTACHED_LIFE):
        raise not_found(f"/Media/{sid}")
    return item


def payload(account: Account, item: Media) -> dict[str, object]:
    """The JSON of MCS, with a fresh link."""
    url = f"{MCS}/{account.chat_service_sid}/Media/{item.sid}"
    return {
        "sid": item.sid,
        "service_sid": account.chat_service_sid,
        "account_sid": account.account_sid,
        "date_created": rest_time(item.created),
        "date_upload_updated": rest_time(item.created),
        "date_updated": rest_time(item.updated),
        "size": len(item.content),
        "content_type": item.content_type,
        "filename": item.filename,
        "author": item.author,
        "category": "media",
        "channel_sid": item.conversation_sid,
        "message_sid": item.message_sid,
        "is_multipart_upstream": False,
        "url": url,
        "links": {"content": f"{url}/Content", "content_direct_temporary": link(account, item)},
    }


def link(account: Account, item: Media) -> str:
    """Anybody may read it for 300 seconds."""
    expires = int((account.now() + LINK_LIFE).timestamp())
    query = urlencode({"Expires": expires, "Signature": _signature(item, expires)})
    return f"{account.media_origin}/{item.sid}?{query}"


def download(account: Account, sid: str, call: Call) -> Answer:
    """The file behind a link. Raises 403 when the link is old or made up."""
    item = found(account, sid)
    expires = int(call.query.get("Expires") or 0)
    if call.query.get("Signature") != _signature(item, expires) or expires < account.now().timestamp():
        raise ApiError(403, 20403, "The link has expired")
    headers = {"Content-Type": item.content_type}
    return Answer(body=item.content, headers=headers)


def _signature(item: Media, expires: int) -> str:
    return hashlib.sha256(f"{item.sid}:{expires}".encode()).hexdigest()[:32]
